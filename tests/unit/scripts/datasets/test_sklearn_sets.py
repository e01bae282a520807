from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from scipy.stats import ks_2samp

from contender.domain.dataset import Kind, parse_dataset
from contender.errors import BadInput
from scripts.datasets.layout import read_table
from scripts.datasets.sklearn_sets import main, prepare_digits

WORDS = {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}


def test_given_digits_then_windows_cover_all_images_and_every_class(tmp_path: Path) -> None:
    paths = prepare_digits(tmp_path)
    dataset = parse_dataset(json.loads(paths.declaration.read_text()))
    assert dataset == paths.dataset and len(dataset.features) == 64
    assert set(dataset.features.values()) == {Kind.NUMERIC}
    reference = pd.concat([read_table(path, dataset) for path in paths.reference])
    same, broad = read_table(paths.same_pen, dataset), read_table(paths.broad_pen, dataset)
    assert len(reference) + len(same) + len(broad) == sum(paths.rows.values()) == 1797
    for table in (reference, same, broad):
        assert set(table["digit"]) == WORDS


def test_given_digits_then_only_the_broad_pen_window_differs_in_ink(tmp_path: Path) -> None:
    paths = prepare_digits(tmp_path)
    ink = {}
    for name, files in (("ref", paths.reference), ("same", [paths.same_pen]), ("broad", [paths.broad_pen])):
        table = pd.concat([read_table(path, paths.dataset) for path in files])
        ink[name] = table[list(paths.dataset.features)].sum(axis=1).astype(float)
    assert ks_2samp(ink["ref"], ink["same"]).statistic < 0.1
    assert ink["broad"].min() >= ink["ref"].max()


def test_given_bad_arguments_then_a_message(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="seed"):
        prepare_digits(tmp_path, seed=-1)
    assert main(["--out", str(tmp_path), "--seed", "-1"]) == 2
    assert main(["--out", str(tmp_path)]) == 0
