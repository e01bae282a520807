"""The analysis as a process of its own, from the export to the verdict.

python -m bench.analysis_ours FOLDER
"""

from __future__ import annotations

import sys

from bench.measured import measured
from scripts.analysis.document import to_document
from scripts.analysis.report import make_report


def main(folder: str) -> None:
    """Analyses the export and prints what it took."""
    with measured() as answers:
        document = to_document(make_report(folder))
        variants, differences = document["variants"], document["differences"]
        sequence = document["sequences"]["log_loss"]["served"]
        answers |= {
            "requests": {name: side["requests"] for name, side in variants.items()},
            "outcomes": {name: side["outcomes"] for name, side in variants.items()},
            "latency": {name: list(side["latency_ms"].values()) for name, side in variants.items()},
            "sample_ratio_z": document["sample_ratio"]["z"],
            "metrics": {
                metric: {name: side["metrics"][metric]["value"] for name, side in variants.items()}
                for metric in ("log_loss", "brier", "accuracy", "auc")
            },
            "differences": {
                metric: [differences[metric][part] for part in ("value", "lower", "upper")]
                for metric in ("log_loss", "brier", "accuracy")
            },
            "sequence": [sequence[part] for part in ("value", "lower", "upper")],
            "auc_bound": document["bounds"]["auc"],
            "latency_error": document["bounds"]["relative"].get("latency", 0.0),
            "verdict": document["verdict"]["finding"],
        }


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        main(sys.argv[1])
    except KeyboardInterrupt:
        sys.exit(130)
