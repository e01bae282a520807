"""Entry point of the training container: ``python -m trainer``, told what to do by its environment."""

import os
import signal
import sys

# Read once by the OpenMP runtimes when they are loaded, so before anything is imported: idle threads
# that spin instead of sleeping make LightGBM crawl beside scikit-learn's own threads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("PYCARET_CUSTOM_LOGGING_PATH", os.devnull)  # else a logs.log in the working folder
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "4")  # 7 would hide a dead server for minutes
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # two lines for every candidate
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

from trainer.helpers import helpers
from trainer.stopping import STOPPED

if __name__ == "__main__":
    # Until the training sees to it: process 1 of a container is not ended by a signal without a handler.
    for told in (signal.SIGTERM, signal.SIGINT):
        signal.signal(told, lambda *_: sys.exit(STOPPED))
    with helpers() as started:  # they import what the search needs while this process does the rest
        from trainer.app import main

        code = main(os.environ, started)
        for told in (signal.SIGTERM, signal.SIGINT):  # all is written down: only the helpers' end is left
            signal.signal(told, signal.SIG_IGN)
    sys.stdout.flush()
    sys.stderr.flush()
    # All is written down: a thread that waits for a server that does not answer, or MLflow's own end of a
    # run that was broken off, must not keep a task alive that was told to stop.
    os._exit(code)
