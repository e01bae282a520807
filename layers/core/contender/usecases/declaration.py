"""The declaration of the data set, as it lies in the data bucket."""

from __future__ import annotations

import json

from contender.domain.dataset import Dataset, parse_dataset
from contender.errors import BadInput, NotFound
from contender.ports import ObjectStore

DATASET_KEY = "dataset.json"


def read_dataset(data: ObjectStore) -> Dataset:
    """Reads ``dataset.json``.

    Args:
        data: The data bucket.

    Raises:
        BadInput: When it is not there, or wrong.
        StoreUnavailable: When the bucket does not answer.
    """
    uri = data.uri(DATASET_KEY)
    try:
        return parse_dataset(json.loads(data.get(DATASET_KEY)))
    except NotFound as error:
        raise BadInput.of(uri, "does not exist", "upload a dataset.json") from error
    except (ValueError, RecursionError) as error:
        raise BadInput.of(uri, f"is not JSON: {error}", "correct it") from error
