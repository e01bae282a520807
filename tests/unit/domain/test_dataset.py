from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contender.domain.dataset import (
    MAX_TEXT,
    Dataset,
    Kind,
    Task,
    parse_dataset,
    row_from_mapping,
    row_from_sequence,
)
from contender.errors import BadInput
from tests.support.world import DATASET, ROW

DOCUMENT: dict[str, Any] = {
    "name": "shapes",
    "task": "classification",
    "target": "label",
    "features": {"size": "numeric", "colour": "categorical", "age": "numeric"},
}
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def fields_of(error: pytest.ExceptionInfo[BadInput]) -> list[str]:
    return [problem.field for problem in error.value.problems]


class TestParseDataset:
    def test_a_full_declaration_is_read_in_order(self) -> None:
        dataset = parse_dataset({**DOCUMENT, "timestamp": "at", "unit": "user"})
        assert dataset.task is Task.CLASSIFICATION
        assert list(dataset.features.items()) == [
            ("size", Kind.NUMERIC),
            ("colour", Kind.CATEGORICAL),
            ("age", Kind.NUMERIC),
        ]
        assert (dataset.timestamp, dataset.unit, dataset.name) == ("at", "user", "shapes")

    def test_without_a_name_the_target_names_it(self) -> None:
        assert parse_dataset({key: DOCUMENT[key] for key in ("task", "target", "features")}).name == "label"

    @given(
        names=st.lists(st.text(min_size=1), min_size=2, max_size=6, unique=True),
        kinds=st.lists(st.sampled_from(Kind), min_size=6, max_size=6),
        task=st.sampled_from(Task),
        timestamp=st.none() | st.just("the time"),
    )
    def test_what_is_written_is_read_back(
        self, names: list[str], kinds: list[Kind], task: Task, timestamp: str | None
    ) -> None:
        target, *columns = names
        dataset = Dataset(task, target, dict(zip(columns, kinds, strict=False)), timestamp, None, "n")
        if timestamp != target:
            again = parse_dataset(dataset.to_dict())
            assert again == dataset
            assert list(again.features) == columns

    @pytest.mark.parametrize("document", [None, [], "text", 3, True])
    def test_what_is_no_object_is_refused(self, document: object) -> None:
        with pytest.raises(BadInput, match="JSON object"):
            parse_dataset(document)

    def test_every_problem_is_named_at_once(self) -> None:
        with pytest.raises(BadInput) as error:
            parse_dataset(
                {
                    "task": "clustering",
                    "features": {"a": "numbers", "": "numeric", "b": ["numeric"]},
                    "unit": 5,
                    "colour": 1,
                }
            )
        assert fields_of(error) == [
            "colour",
            "task",
            "target",
            "unit",
            "features.a",
            "features",
            "features.b",
        ]

    @pytest.mark.parametrize("field", ["task", "target", "features"])
    def test_a_missing_field_is_named(self, field: str) -> None:
        with pytest.raises(BadInput) as error:
            parse_dataset({key: value for key, value in DOCUMENT.items() if key != field})
        assert field in fields_of(error)

    @pytest.mark.parametrize("field", ["task", "target", "features", "timestamp", "unit", "name"])
    @given(value=anything)
    def test_a_mistyped_field_is_named_and_nothing_else_is_raised(self, field: str, value: object) -> None:
        if isinstance(value, str | dict) or (value is None and field in ("timestamp", "unit", "name")):
            return
        with pytest.raises(BadInput) as error:
            parse_dataset({**DOCUMENT, field: value})
        assert fields_of(error) == [field]

    @pytest.mark.parametrize("kind", [None, 1, [], {}, "Numeric", ["numeric"]])
    def test_an_unknown_kind_is_named_by_its_column(self, kind: object) -> None:
        with pytest.raises(BadInput) as error:
            parse_dataset({**DOCUMENT, "features": {"size": kind}})
        assert fields_of(error) == ["features.size"]

    @pytest.mark.parametrize("field", ["timestamp", "unit"])
    def test_the_target_has_no_second_part_to_play(self, field: str) -> None:
        with pytest.raises(BadInput) as error:
            parse_dataset({**DOCUMENT, field: "label"})
        assert fields_of(error) == [field]

    def test_the_target_is_no_feature(self) -> None:
        with pytest.raises(BadInput) as error:
            parse_dataset({**DOCUMENT, "features": {"label": "numeric"}})
        assert fields_of(error) == ["features.label"]


class TestRowFromMapping:
    def test_a_row_comes_in_declared_order_whatever_the_order_sent(self) -> None:
        row = row_from_mapping(DATASET, dict(reversed(ROW.items())))
        assert list(row.items()) == [("size", 1.5), ("colour", "red"), ("age", 3.0)]
        assert isinstance(row["age"], float)

    def test_null_is_nan_or_the_empty_category(self) -> None:
        row = row_from_mapping(DATASET, {"size": None, "colour": None, "age": 0})
        assert math.isnan(float(row["size"]))
        assert row["colour"] == ""

    def test_missing_unknown_and_mistyped_are_named_together(self) -> None:
        with pytest.raises(BadInput) as error:
            row_from_mapping(DATASET, {"size": "large", "colour": 3, "weight": 1})
        assert fields_of(error) == ["features.size", "features.colour", "features.age", "features.weight"]

    def test_an_unknown_feature_alone_is_named(self) -> None:
        with pytest.raises(BadInput) as error:
            row_from_mapping(DATASET, {**ROW, "weight": 1})
        assert fields_of(error) == ["features.weight"]

    @pytest.mark.parametrize(
        "value",
        [True, False, math.nan, math.inf, -math.inf, 1e300, -1e39, 10**400, -(10**400), "1", "", [], {}, [1]],
    )
    def test_what_is_no_32_bit_number_is_refused(self, value: object) -> None:
        with pytest.raises(BadInput) as error:
            row_from_mapping(DATASET, {**ROW, "size": value})
        assert fields_of(error) == ["features.size"]

    @pytest.mark.parametrize("value", [0, -0.0, 1e-200, 3.4028234663852886e38, -3e38, 2**100])
    def test_any_32_bit_number_is_taken(self, value: float) -> None:
        assert row_from_mapping(DATASET, {**ROW, "size": value})["size"] == value

    @pytest.mark.parametrize("value", [True, 1, 1.5, math.nan, [], {}, "x" * (MAX_TEXT + 1)])
    def test_what_is_no_text_of_usable_length_is_refused(self, value: object) -> None:
        with pytest.raises(BadInput) as error:
            row_from_mapping(DATASET, {**ROW, "colour": value})
        assert fields_of(error) == ["features.colour"]

    @pytest.mark.parametrize(
        ("value", "fix"),
        [
            (3, 'send "3"'),
            (3.0, 'send "3"'),
            (-0.5, 'send "-0.5"'),
            (math.nan, "send a text"),
            (True, "send a text"),
            (10**400, "send a text"),
        ],
    )
    def test_a_number_among_categories_is_told_its_text(self, value: object, fix: str) -> None:
        with pytest.raises(BadInput, match=fix):
            row_from_mapping(DATASET, {**ROW, "colour": value})

    @pytest.mark.parametrize("value", ["", "a\0b", "ü", "x" * MAX_TEXT, "NA"])
    def test_any_text_is_a_category(self, value: str) -> None:
        assert row_from_mapping(DATASET, {**ROW, "colour": value})["colour"] == value

    @given(features=st.dictionaries(st.sampled_from(["size", "colour", "age", "other"]), anything))
    def test_anything_is_either_a_full_row_or_refused_by_name(self, features: dict[str, object]) -> None:
        try:
            row = row_from_mapping(DATASET, features)
        except BadInput as error:
            assert all(problem.field.startswith("features.") for problem in error.problems)
        else:
            assert list(row) == list(DATASET.features)


class TestRowFromSequence:
    def test_values_are_taken_in_declared_order(self) -> None:
        assert row_from_sequence(DATASET, [1.5, "red", 3]) == row_from_mapping(DATASET, ROW)

    @pytest.mark.parametrize("data", [[], [1.5, "red"], [1.5, "red", 3, 4]])
    def test_a_wrong_length_gets_the_order_told(self, data: list[object]) -> None:
        with pytest.raises(BadInput, match="size, colour, age") as error:
            row_from_sequence(DATASET, data)
        assert fields_of(error) == ["data"]

    def test_a_mistyped_value_is_named_by_its_feature(self) -> None:
        with pytest.raises(BadInput) as error:
            row_from_sequence(DATASET, ["red", 1.5, True])
        assert fields_of(error) == ["features.size", "features.colour", "features.age"]
