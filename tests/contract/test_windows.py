"""Columns as people upload them. No fake stands beside this adapter: reading files is all that it does."""

from __future__ import annotations

import gzip
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from contender.domain.drift import NumericSample, UnusableSample
from tests.support.windows import ODD, Bucket, counts, numbers


@pytest.fixture
def bucket(tmp_path: Path) -> Bucket:
    return Bucket(tmp_path)


class TestCsv:
    def test_columns_are_read_by_their_declared_kind(self, bucket: Bucket) -> None:
        window = bucket.put("a.csv", "size,colour\n1,red\n2.5,7\n,\n").read()
        assert numbers(window["size"]) == [1, 2.5, None]
        assert counts(window["colour"]) == {"red": 1, "7": 1, "": 1}
        assert set(window) == {"size", "colour"}

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("a.csv", "size,colour\n1,red\n"),
            ("a.tsv", "size\tcolour\n1\tred\n"),
            ("A.CSV", "size,colour\n1,red\n"),
        ],
    )
    @pytest.mark.parametrize("packed", [False, True])
    def test_every_format_of_text_is_read(self, bucket: Bucket, name: str, text: str, packed: bool) -> None:
        content = gzip.compress(text.encode()) if packed else text.encode()
        window = bucket.put(name + ".gz" * packed, content).read()
        assert numbers(window["size"]) == [1]
        assert counts(window["colour"]) == {"red": 1, "": 0}

    def test_a_file_of_nothing_but_texts_has_a_header_too(self, bucket: Bucket) -> None:
        window = bucket.put("a.csv", "colour,two words\nred,x y\nblue,z\n").read()
        assert counts(window["colour"]) == {"red": 1, "blue": 1, "": 0}
        assert counts(window["two words"]) == {"x y": 1, "z": 1, "": 0}

    def test_a_single_column_whose_texts_hold_other_separators_stays_one(self, bucket: Bucket) -> None:
        window = bucket.put("a.csv", "colour\nred;dark\nblue|light\n").read()
        assert counts(window["colour"]) == {"red;dark": 1, "blue|light": 1, "": 0}

    def test_quoted_names_and_values_are_read(self, bucket: Bucket) -> None:
        quoted = ODD.replace('"', '""')
        window = bucket.put("a.csv", f'"{quoted}",colour\n1,"red, ""dark"""\n2,"two\nlines"\n').read()
        assert numbers(window[ODD]) == [1, 2]
        assert counts(window["colour"]) == {'red, "dark"': 1, "two\nlines": 1, "": 0}

    def test_text_among_numbers_is_counted_and_missing_is_not(self, bucket: Bucket) -> None:
        values = ["1", "x", "", "NA", "n/a", "NaN", "nan", "null", "NULL", "None", " 2 ", "1,5", "12:30"]
        text = "size\n" + "".join(f'"{value}"\n' for value in values)
        sample = bucket.put("a.csv", text).read()["size"]
        assert numbers(sample) == [1, *[None] * 9, 2, None, None]
        assert isinstance(sample, NumericSample)
        assert sample.unreadable == 3  # x, 1,5 and 12:30

    def test_na_is_a_category_like_any_other(self, bucket: Bucket) -> None:
        window = bucket.put("a.csv", 'colour\nNA\nnull\n""\nNone\n').read()
        assert counts(window["colour"]) == {"NA": 1, "null": 1, "None": 1, "": 1}

    def test_truth_values_are_numbers_or_categories(self, bucket: Bucket) -> None:
        window = bucket.put("a.csv", "size,colour\ntrue,true\nFalse,false\nTRUE,true\n").read()
        assert numbers(window["size"]) == [1, 0, 1]
        assert counts(window["colour"]) == {"true": 2, "false": 1, "": 0}
        assert isinstance(window["size"], NumericSample)
        assert window["size"].unreadable == 0

    def test_infinity_is_a_number(self, bucket: Bucket) -> None:
        assert numbers(bucket.put("a.csv", "size\ninf\n-inf\n").read()["size"]) == [np.inf, -np.inf]

    def test_types_are_not_guessed_from_the_first_rows(self, bucket: Bucket) -> None:
        rows = "".join(f"{n},{n}\n" for n in range(30_000)) + "1.5,late\n"
        window = bucket.put("a.csv", "size,colour\n" + rows).read()
        assert numbers(window["size"])[-1] == 1.5
        assert counts(window["colour"])["late"] == 1

    def test_a_header_alone_is_an_empty_window(self, bucket: Bucket) -> None:
        window = bucket.put("a.csv", "size,colour\n").read()
        assert numbers(window["size"]) == []
        assert counts(window["colour"]) == {"": 0}

    @pytest.mark.parametrize("ending", ["\n", "\r\n"])
    @pytest.mark.parametrize("mark", ["", "\ufeff"])
    def test_windows_line_ends_and_a_byte_order_mark_do_no_harm(
        self, bucket: Bucket, ending: str, mark: str
    ) -> None:
        window = bucket.put("a.csv", mark + ending.join(["size,colour", "1,red", "2,blue"])).read()
        assert numbers(window["size"]) == [1, 2]
        assert counts(window["colour"]) == {"red": 1, "blue": 1, "": 0}


class TestParquet:
    def test_every_type_of_number_is_a_number(self, bucket: Bucket) -> None:
        for dtype in ("int8", "int64", "uint8", "uint64", "float32", "float64", "bool", "Int64"):
            bucket.parquet("a.parquet", pd.DataFrame({"size": pd.array([1, 0], dtype=dtype)}))
            assert numbers(bucket.read()["size"]) == [1, 0], dtype

    def test_decimals_are_numbers(self, bucket: Bucket) -> None:
        from decimal import Decimal

        bucket.parquet("a.parquet", pd.DataFrame({"size": [Decimal("1.25"), None]}))
        assert numbers(bucket.read()["size"]) == [1.25, None]

    def test_nan_and_null_are_missing(self, bucket: Bucket) -> None:
        bucket.parquet("a.parquet", pd.DataFrame({"size": [1.0, np.nan, None]}))
        bucket.parquet("b.parquet", pd.DataFrame({"size": pd.array([1, None], dtype="Int64")}))
        sample = bucket.read()["size"]
        assert numbers(sample) == [1, None, None, 1, None]
        assert isinstance(sample, NumericSample)
        assert sample.unreadable == 0

    def test_numbers_have_32_bits_as_in_training_and_serving(self, bucket: Bucket) -> None:
        bucket.parquet("a.parquet", pd.DataFrame({"size": [0.1, 16_777_217.0]}))
        assert numbers(bucket.read()["size"]) == [float(np.float32(0.1)), 16_777_216.0]

    def test_numbers_beyond_32_bits_are_infinite_in_either_format(self, bucket: Bucket) -> None:
        values = [1e300, -3.5e38, None, 3.4e38]
        bucket.parquet("a.parquet", pd.DataFrame({"size": values}))
        bucket.put("b.csv", 'size\n1e300\n-3.5e38\n""\n3.4e38\n')
        sample = bucket.read()["size"]
        assert numbers(sample) == [np.inf, -np.inf, None, float(np.float32(3.4e38))] * 2
        assert isinstance(sample, NumericSample)
        assert sample.unreadable == 0

    def test_csv_and_parquet_of_the_same_numbers_are_the_same(self, bucket: Bucket) -> None:
        values = np.random.default_rng(1).normal(size=500)
        bucket.parquet("a.parquet", pd.DataFrame({"size": values}))
        bucket.put("b.csv", "size\n" + "".join(f"{value!r}\n" for value in values.tolist()))
        sample = numbers(bucket.read()["size"])
        assert sample[:500] == sample[500:]

    def test_whole_numbers_truth_values_and_dictionaries_are_categories(self, bucket: Bucket) -> None:
        frame = pd.DataFrame({"colour": [1, 2, 2], "two words": pd.Categorical(["a", "b", None])})
        window = bucket.parquet("a.parquet", frame).read()
        assert counts(window["colour"]) == {"1": 1, "2": 2, "": 0}
        assert counts(window["two words"]) == {"a": 1, "b": 1, "": 1}

    @pytest.mark.parametrize(
        "values",
        [[datetime(2024, 1, 1)], [[1, 2]], [{"a": 1}], [b"bytes"]],
        ids=["time", "list", "map", "bytes"],
    )
    def test_what_is_neither_number_nor_category_is_unusable_with_its_type(
        self, bucket: Bucket, values: list[Any]
    ) -> None:
        window = bucket.parquet("a.parquet", pd.DataFrame({"size": values, "colour": values})).read()
        for name in ("size", "colour"):
            sample = window[name]
            assert isinstance(sample, UnusableSample)
            assert sample.rows == 1
            assert "not numbers" in sample.problem or "not categories" in sample.problem
