"""Three rules that judge the same pairs: Contender's, the seed's, and Evidently's defaults."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.stats import ks_2samp

from contender.domain.drift import Verdict, judge_window
from contender.errors import ContenderError
from simulations.drift_cases import SETTINGS, Case
from simulations.drift_windows import KINDS, MISSING, Population, Window

SEED_P = 0.05
"""The seed's level of each column's test, not corrected for their number."""
SEED_SHARE = 0.05
"""Share of drifted columns above which the seed retrains."""

ROOT = Path(__file__).parents[1]
EVIDENTLY_PYTHON = ROOT / ".venv-bench/bin/python"
EVIDENTLY_RUNNER = ROOT / "bench/evidently_runner.py"


class Tally(NamedTuple):
    """Outcome of some pairs under one rule.

    Attributes:
        pairs: How many.
        wrong: How many got the wrong verdict.
        verdicts: Verdict → pairs.
    """

    pairs: int
    wrong: int
    verdicts: Counter[str]

    def plus(self, other: Tally) -> Tally:
        """Adds both up."""
        return Tally(self.pairs + other.pairs, self.wrong + other.wrong, self.verdicts + other.verdicts)


NOTHING = Tally(0, 0, Counter())


def generator_of(seed: int, case: Case, number: int) -> np.random.Generator:
    """Gives pair number so-and-so its own randomness, whatever process draws it and for which rule."""
    return np.random.default_rng([seed, *case.name.encode(), number])


def by_contender(case: Case, population: Population, numbers: Sequence[int], seed: int) -> Tally:
    """Judges pairs by the drift check. A planted drift counts as found only if its own column is named."""
    wrong, verdicts = 0, Counter[str]()
    for number in numbers:
        reference, current, planted = case.pair(population, number, generator_of(seed, case, number))
        report = judge_window(reference.samples(), current.samples(), KINDS, SETTINGS)
        verdicts[report.verdict.value] += 1
        if case.drifts:
            wrong += report.verdict is not Verdict.DRIFT or planted not in report.drifted
        else:
            wrong += report.verdict is Verdict.DRIFT
    return Tally(len(numbers), wrong, verdicts)


def by_seed(case: Case, population: Population, numbers: Sequence[int], seed: int) -> Tally:
    """Judges pairs by the seed's rule; categories in alphabetical order, missing values left out."""
    return _tally(
        case, [_seed_drifts(*case.pair(population, n, generator_of(seed, case, n))[:2]) for n in numbers]
    )


def by_evidently(
    case: Case, population: Population, numbers: Sequence[int], seed: int
) -> tuple[Tally, Tally]:
    """Judges pairs by Evidently in its own environment.

    Returns:
        By its rule for the data set (half of the columns), and by any column.

    Raises:
        ContenderError: When Evidently's environment is missing or fails.
    """
    with tempfile.TemporaryDirectory(prefix="evidently-") as folder:
        for number in numbers:
            reference, current, _ = case.pair(population, number, generator_of(seed, case, number))
            reference.frame().to_parquet(Path(folder, f"{number}-reference.parquet"))
            current.frame().to_parquet(Path(folder, f"{number}-current.parquet"))
        columns = json.dumps({name: kind.value for name, kind in KINDS.items()})
        try:
            done = subprocess.run(
                [str(EVIDENTLY_PYTHON), str(EVIDENTLY_RUNNER), folder, columns],
                capture_output=True,
                text=True,
                check=True,
            )
        except OSError as error:
            raise ContenderError(f"Evidently's environment does not start: {error}") from error
        except subprocess.CalledProcessError as error:
            raise ContenderError(f"Evidently failed:\n{error.stderr[-2000:]}") from error
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if len(answers) != len(numbers):
        raise ContenderError(f"Evidently judged {len(answers)} of {len(numbers)} pairs")
    return (
        _tally(case, [answer["drift"] for answer in answers]),
        _tally(case, [answer["drifted_columns"] > 0 for answer in answers]),
    )


def _seed_drifts(reference: Window, current: Window) -> bool:
    drifted = 0
    for column in KINDS:
        if column in reference.numbers:
            old, new = (w.numbers[column][~np.isnan(w.numbers[column])] for w in (reference, current))
        else:
            old, new = (w.codes[column][w.codes[column] != MISSING] for w in (reference, current))
        drifted += ks_2samp(old, new, method="asymp").pvalue < SEED_P
    return bool(drifted / len(KINDS) > SEED_SHARE)


def _tally(case: Case, drifted: Sequence[bool]) -> Tally:
    verdicts = Counter("drift" if found else "no_drift" for found in drifted)
    return Tally(len(drifted), sum(found is not case.drifts for found in drifted), verdicts)
