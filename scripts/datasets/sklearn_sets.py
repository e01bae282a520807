"""Handwritten digits from scikit-learn: a second data set, of another shape than the flights.

Ten classes named by words, 64 numeric features (the ink of each pixel of an 8 x 8 image, 0..16; a few are
constant), no timestamp, no unit, CSV files plain and gzipped. Its shifted window has a real cause: it holds
the quarter of the images with the most ink, as if the writers had been given broader pens.

Source: Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository,
1998, as shipped by scikit-learn (``load_digits``, 1,797 images).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from contender.domain.dataset import Dataset, Kind, Task
from contender.errors import BadInput, ContenderError
from scripts.datasets.layout import CURRENT, REFERENCE, write_dataset, write_table

SEED = 1998
"""Chooses which images are the reference."""

SAME_PEN = "1-same-pen"
BROAD_PEN = "2-broad-pen"

_WORDS = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
_BROAD_SHARE = 0.25
_REFERENCE_SHARE = 0.65


@dataclass(frozen=True, slots=True)
class DigitsPaths:
    """Where the prepared digits lie; everything below ``root`` is laid out as in the data bucket.

    Attributes:
        root: The folder.
        declaration: ``dataset.json``.
        dataset: Its content.
        reference: Two files, the second gzipped.
        same_pen: Window ``SAME_PEN``: drawn as the reference was.
        broad_pen: Window ``BROAD_PEN``: the shifted one.
        rows: Rows of each file, by path relative to ``root``.
    """

    root: Path
    declaration: Path
    dataset: Dataset
    reference: tuple[Path, Path]
    same_pen: Path
    broad_pen: Path
    rows: Mapping[str, int]


def prepare_digits(out: Path, seed: int = SEED) -> DigitsPaths:
    """Writes the declaration and the windows.

    Args:
        out: Folder to write into; made when missing, files of the same names are replaced.
        seed: Seed of the split into reference and same-pen window.

    Returns:
        Where everything lies.

    Raises:
        BadInput: When ``seed`` is negative.
    """
    if seed < 0:
        raise BadInput.of("seed", f"is {seed}", "give a whole number of at least 0")
    from sklearn.datasets import load_digits  # a second to import: not for `--help`

    images, digits = load_digits(return_X_y=True, as_frame=True)
    dataset = Dataset(
        Task.CLASSIFICATION, "digit", dict.fromkeys(images.columns, Kind.NUMERIC), name="digits"
    )
    table: pd.DataFrame = images.assign(digit=_WORDS[digits])
    ink = images.sum(axis=1).rank(method="first", pct=True)
    broad, usual = table[ink > 1 - _BROAD_SHARE], table[ink <= 1 - _BROAD_SHARE]
    mixed = usual.iloc[np.random.default_rng(seed).permutation(len(usual))]
    cut = int(len(mixed) * _REFERENCE_SHARE)
    tables = {
        f"{REFERENCE}/part-1.csv": mixed.iloc[: cut // 2],
        f"{REFERENCE}/part-2.csv.gz": mixed.iloc[cut // 2 : cut],
        f"{CURRENT}/{SAME_PEN}/images.csv": mixed.iloc[cut:],
        f"{CURRENT}/{BROAD_PEN}/images.csv": broad,
    }
    declaration = write_dataset(out, dataset)
    first, second, same, other = (write_table(part, out / name, dataset) for name, part in tables.items())
    rows = MappingProxyType({name: len(part) for name, part in tables.items()})
    return DigitsPaths(out, declaration, dataset, (first, second), same, other, rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program; gives its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.datasets.sklearn_sets",
        description="Prepares handwritten digits as CSV files.",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write into")
    parser.add_argument("--seed", type=int, default=SEED, help="of the split (default: %(default)s)")
    options = parser.parse_args(arguments)
    try:
        paths = prepare_digits(options.out, options.seed)
    except (ContenderError, OSError) as error:
        print(f"digits: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("digits: stopped; the folder is incomplete", file=sys.stderr)
        return 130
    for name, count in paths.rows.items():
        print(f"{count:>7,} rows  {paths.root / name}")
    print(f"Next: make up DATA={paths.root}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
