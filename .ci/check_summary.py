"""Checks the claims that ``make demo`` makes in its summary: ``check_summary.py out/summary.json``."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def failures(summary: dict) -> list[str]:
    """Lists every claim that does not hold."""
    served, outcomes = summary["served"], summary["outcomes"]
    followed = summary["split_followed_s"]
    seconds = sum(summary["seconds"].values())
    auc = {name: variant["auc"] for name, variant in summary["variants"].items()}
    claims = {
        "the window kept aside shows no drift": summary["drift"]["null"] == "no_drift",
        "the shifted window shows drift": summary["drift"]["shifted"] == "drift",
        "the same drift did not train twice": summary["retrained_twice"] is False,
        "there are two versions": summary["champion_version"] != summary["challenger_version"],
        "at least 2,000 requests were sent": summary["requests"] >= 2000,
        "every request was answered": summary["answered"] == summary["requests"],
        "every answer was logged or spilled": summary["logged"] + summary["spilled"] == summary["answered"],
        "every logged request was served by A or B": served["A"] + served["B"] == summary["answered"],
        "both variants served": min(served.values()) > 0,
        "every logged request has an outcome": outcomes == summary["logged"],
        "the split was changed twice": len(followed) == 2,
        "every change was followed within 10 s": all(0 <= change <= 10 for change in followed),
        "the challenger's AUC is above the champion's": auc["B"] > auc["A"],
        "every step was timed": seconds > 0,
    }
    return [claim for claim, holds in claims.items() if not holds]


if __name__ == "__main__":
    broken = failures(json.loads(Path(sys.argv[1]).read_text()))
    for claim in broken:
        print(f"summary: NOT TRUE: {claim}", file=sys.stderr)
    if broken:
        sys.exit(1)
    print("summary: every claim holds")
