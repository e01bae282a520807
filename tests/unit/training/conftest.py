from __future__ import annotations

import os

# As python -m trainer sets them before its imports.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("PYCARET_CUSTOM_LOGGING_PATH", os.devnull)
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
