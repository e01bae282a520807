"""Statistics of an A/B test between two models, from its logged predictions alone."""

from contender.domain.dataset import Task
from contender.domain.experiment.accounts import Epoch, Percentiles, VariantSummary
from contender.domain.experiment.agreement import Agreement
from contender.domain.experiment.analysis import Analysis, analyse
from contender.domain.experiment.columns import Columns, Observation, Order, Shadow
from contender.domain.experiment.completeness import Completeness
from contender.domain.experiment.difference import Difference
from contender.domain.experiment.guardrails import Guardrail
from contender.domain.experiment.intervals import Estimate
from contender.domain.experiment.log import Log
from contender.domain.experiment.look import Look, MetricLook, Step, read
from contender.domain.experiment.metrics import Comparison, Metric
from contender.domain.experiment.moments import Moments
from contender.domain.experiment.sequence import SequenceInterval
from contender.domain.experiment.settings import Evidence, ExperimentSettings
from contender.domain.experiment.srm import SampleRatio
from contender.domain.experiment.state import ExperimentState, replay
from contender.domain.experiment.table import ObservationTable
from contender.domain.experiment.verdict import Finding, Reason, Verdict

__all__ = [
    "Agreement",
    "Analysis",
    "Columns",
    "Comparison",
    "Completeness",
    "Difference",
    "Epoch",
    "Estimate",
    "Evidence",
    "ExperimentSettings",
    "ExperimentState",
    "Finding",
    "Guardrail",
    "Log",
    "Look",
    "Metric",
    "MetricLook",
    "Moments",
    "Observation",
    "ObservationTable",
    "Order",
    "Percentiles",
    "Reason",
    "SampleRatio",
    "SequenceInterval",
    "Shadow",
    "Step",
    "Task",
    "VariantSummary",
    "Verdict",
    "analyse",
    "read",
    "replay",
]
