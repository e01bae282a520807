"""The training task: from a window of data to a published model version. Run as ``python -m trainer``."""
