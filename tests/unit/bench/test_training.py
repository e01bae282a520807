"""The benchmark's arithmetic and files; no time is asserted, and the trainings are run by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench.training import lines_of, main
from bench.training_chart import save_chart
from bench.training_data import write_parts
from bench.training_runs import Trained, require_auc
from contender.adapters.onnx_model import Predictions
from contender.domain.dataset import parse_dataset
from contender.errors import ContenderError


def trained(seconds: float, **auc: float) -> Trained:
    return Trained(seconds, auc, (800, 200), 11, "LightGBM")


def peer(seconds: float, winner: float, again: float, by_auc: float) -> Trained:
    auc = {"its winner": winner, "its winner, fitted on all rows": again, "its best by AUC": by_auc}
    return trained(seconds, **auc)


def test_goals_hold_at_their_limits() -> None:
    found = {"May": ([trained(10.0, ours=0.700)], [peer(30.0, 0.65, 0.7019, 0.8)])}

    seconds, winner, by_auc = lines_of(found)

    assert (seconds["ours"], seconds["peer"], seconds["ratio"], seconds["holds"]) == (10.0, 30.0, 3.0, True)
    assert (winner["ours"], winner["peer"], winner["holds"]) == (0.7, 0.7019, True)
    assert (by_auc["peer"], by_auc["goal"], by_auc["holds"]) == (0.8, None, None)


def test_goals_fail_just_beyond_them() -> None:
    found = {"May": ([trained(10.0, ours=0.700)], [peer(29.9, 0.7021, 0.65, 0.65)])}

    assert [line["holds"] for line in lines_of(found)] == [False, False, None]


def test_medians_are_taken_over_rounds() -> None:
    ours = [trained(seconds, ours=auc) for seconds, auc in ((9.0, 0.71), (30.0, 0.70), (10.0, 0.72))]
    found = {"May": (ours, [peer(60.0, 0.7, 0.7, 0.7)] * 3)}

    seconds, auc, _ = lines_of(found)

    assert (seconds["ours"], auc["ours"], seconds["rounds"]) == (10.0, 0.71, 3)


def test_the_peer_gets_exactly_the_rows_of_the_task(tmp_path: Path) -> None:
    features = {"hour": "numeric", "place": "categorical"}
    dataset = parse_dataset(
        {"task": "classification", "target": "late", "features": features, "timestamp": "at"}
    )
    table = pd.DataFrame(
        {
            "at": pd.date_range("2013-01-01", periods=100, freq="h"),
            "hour": [float(number % 24) for number in range(100)],
            "place": ["EWR", "JFK"] * 50,
            "late": [0, 0, 0, 1] * 25,
        }
    )

    counts = write_parts(table, dataset, tmp_path)

    rows, held = (pd.read_parquet(tmp_path / f"{name}.parquet") for name in ("train", "holdout"))
    assert counts == (80, 20)
    assert (len(rows), len(held)) == (80, 20)
    assert held["hour"].tolist() == table["hour"].tolist()[80:]
    assert rows["late"].sum() + held["late"].sum() == 25
    assert list(rows) == ["hour", "place", "late"]


class KnowsTheHour:
    """A model of two classes whose score is the hour."""

    classes = (0, 1)

    def predict_many(self, columns: dict[str, Any]) -> Predictions:
        late = (columns["hour"] / 24).astype(np.float32)
        return Predictions(late > 0.5, np.column_stack([1 - late, late]))


def test_another_holdout_than_the_tasks_is_found_out() -> None:
    held = pd.DataFrame({"hour": np.arange(20.0), "late": [0, 1] * 10})
    model: Any = KnowsTheHour()

    require_auc(model, held, "late", 0.55)  # 55 of the 100 pairs are in order
    with pytest.raises(ContenderError, match="other rows"):
        require_auc(model, held.head(19), "late", 0.55)


def test_the_chart_is_a_picture(tmp_path: Path) -> None:
    found = {"May": ([trained(10.0, ours=0.7)], [peer(60.0, 0.65, 0.66, 0.71)])}

    save_chart(found, tmp_path / "chart.png")

    assert (tmp_path / "chart.png").read_bytes()[:4] == b"\x89PNG"


def test_help_says_what_is_compared(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])

    assert ended.value.code == 0
    assert "compare_models" in capsys.readouterr().out
