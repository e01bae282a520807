"""What every answer of a model has to be, whoever asked for it."""

from __future__ import annotations

import math

from contender.errors import ModelUnusable
from contender.ports import Prediction


def finite(prediction: Prediction) -> Prediction:
    """Refuses NaN and infinities, which neither JSON nor DynamoDB can hold.

    Raises:
        ModelUnusable: When the answer holds one.
    """
    for number in (prediction.value, *(prediction.probabilities or {}).values()):
        if isinstance(number, float) and not math.isfinite(number):
            raise ModelUnusable(f"the model answered {number}")
    return prediction
