from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.training_lab import Lab

# As python -m trainer sets them before its imports.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("PYCARET_CUSTOM_LOGGING_PATH", os.devnull)
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Trained anew for each module, whose tests change who serves; all that they train is as quick."""
    from tests.support.training_lab import QUICK, trained_lab
    from trainer import job

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "candidates", lambda task, seed, jobs: QUICK)
        yield trained_lab(tmp_path_factory.mktemp("mlflow"))
