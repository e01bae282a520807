"""Statistics of an A/B test between two models, from its logged predictions alone."""

from contender.domain.dataset import Task
from contender.domain.experiment.analysis import Analysis, Epoch, Percentiles, VariantSummary, analyse
from contender.domain.experiment.difference import Difference
from contender.domain.experiment.intervals import Estimate
from contender.domain.experiment.metrics import Comparison, Metric
from contender.domain.experiment.moments import Moments
from contender.domain.experiment.srm import SampleRatio
from contender.domain.experiment.table import Columns, Observation, ObservationTable
from contender.domain.experiment.verdict import Finding, Verdict

__all__ = [
    "Analysis",
    "Columns",
    "Comparison",
    "Difference",
    "Epoch",
    "Estimate",
    "Finding",
    "Metric",
    "Moments",
    "Observation",
    "ObservationTable",
    "Percentiles",
    "SampleRatio",
    "Task",
    "VariantSummary",
    "Verdict",
    "analyse",
]
