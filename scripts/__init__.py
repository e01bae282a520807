"""Programs for people: each runs as ``python -m scripts.<name>`` and has ``--help``."""
