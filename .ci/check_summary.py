"""Checks the claims that ``make demo`` makes in its summary: ``check_summary.py out/summary.json``.

July must end in SHIP, and December, where it was asked for, in KEEP; and what is registered and served
afterwards must be what follows from that.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

LEADS_TO = {"ship": "promoted", "keep": "retired"}
"""Finding → stage, and deed in the history."""


def failures(summary: dict) -> list[str]:
    """Lists every claim that does not hold."""
    served, outcomes = summary["served"], summary["outcomes"]
    followed = summary["split_followed_s"]
    seconds = sum(summary["seconds"].values())
    july, december = summary["july"], summary.get("december")
    champion, challenger = summary["champion_version"], summary["challenger_version"]
    claims = {
        "the window kept aside shows no drift": summary["drift"]["null"] == "no_drift",
        "the shifted window shows drift": summary["drift"]["shifted"] == "drift",
        "the same drift did not train twice": summary["retrained_twice"] is False,
        "there are two versions": champion != challenger,
        "at least 2,000 requests were sent": summary["requests"] >= 2000,
        "every request was answered": summary["answered"] == summary["requests"],
        "every answer was logged or spilled": summary["logged"] + summary["spilled"] == summary["answered"],
        "every logged request was served by A or B": served["A"] + served["B"] == summary["answered"],
        "both variants served": min(served.values()) > 0,
        "every logged request has an outcome": outcomes == summary["logged"],
        "the split was changed twice": len(followed) == 2,
        "every change was followed within 10 s": all(0 <= change <= 10 for change in followed),
        "every step was timed": seconds > 0,
        **ending("July", july, champion, challenger, summary["first_split"]),
    }
    if summary["task"] == "classification":
        auc = {name: variant["auc"] for name, variant in summary["variants"].items()}
        claims["the challenger's AUC is above the champion's"] = auc["B"] > auc["A"]
    if december is not None:
        answered = december["answered"]
        claims |= {
            "December: every request was answered": answered == december["requests"] > 0,
            "December: every answer was logged or spilled": december["logged"] + december["spilled"]
            == answered,
            "December: every logged request has an outcome": december["outcomes"] == december["logged"],
            **ending("December", december, champion, december["challenger_version"], summary["first_split"]),
        }
    return [claim for claim, holds in claims.items() if not holds]


def ending(month: str, told: dict, champion: str, challenger: str, first_split: float) -> dict[str, bool]:
    """Claims about how a month's experiment ended: what was found, done, registered and served agree."""
    wanted = {"July": "ship", "December": "keep"}[month]
    low, value, high = told["interval"][0], told["estimate"], told["interval"][1]
    known = None not in (low, value, high)
    stays = challenger if wanted == "ship" else champion
    return {
        f"{month} ended in {wanted.upper()}": told["finding"] == wanted,
        f"{month}: the two versions of this month were compared": told["compared"]
        == {"A": champion, "B": challenger},
        f"{month}: the finding was acted on by itself": {told["stage"], told["deed"]} == {LEADS_TO[wanted]},
        # Every metric that decides by default is a loss: less is better.
        f"{month}: a B that ships has its whole interval on the better side": wanted != "ship"
        or (known and high < 0),
        f"{month}: the estimate lies in its interval": known and low <= value <= high,
        f"{month}: MLflow's aliases say so": told["aliases"] == {"champion": stays},
        f"{month}: the router serves so": told["serves"] == {"A": stays},
        f"{month}: the split is back where it began": told["split"] == first_split,
    }


if __name__ == "__main__":
    broken = failures(json.loads(Path(sys.argv[1]).read_text()))
    for claim in broken:
        print(f"summary: NOT TRUE: {claim}", file=sys.stderr)
    if broken:
        sys.exit(1)
    print("summary: every claim holds")
