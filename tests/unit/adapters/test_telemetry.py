from __future__ import annotations

import io
import json

from contender.adapters.telemetry import JsonLines


def test_a_note_is_one_line_of_json_whatever_it_holds() -> None:
    stream = io.StringIO()
    JsonLines(stream, "router", "test").note("request", path="/a\nb\ud800", error=ValueError("x"))
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line) == {"level": "info", "event": "request", "path": "/a\nb\ud800", "error": "x"}
    assert line.isascii()


def test_a_problem_is_counted_by_its_own_metric() -> None:
    stream = io.StringIO()
    JsonLines(stream, "router", "test", clock=lambda: 1_700_000_000.5).problem("split_invalid", "why")
    line = json.loads(stream.getvalue())
    (metrics,) = line["_aws"]["CloudWatchMetrics"]
    assert line["_aws"]["Timestamp"] == 1_700_000_000_500
    # The specification: every metric and every dimension is a member at the root.
    assert [line[metric["Name"]] for metric in metrics["Metrics"]] == [1]
    by_both, by_stage = ({name: line[name] for name in names} for names in metrics["Dimensions"])
    assert (by_both, by_stage) == ({"service": "router", "stage": "test"}, {"stage": "test"})
    assert (line["level"], line["event"], line["detail"]) == ("error", "split_invalid", "why")
