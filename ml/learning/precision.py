"""Lets linear models predict in double precision, so that a row has the same probability alone and among others."""

from __future__ import annotations

from typing import Any

FITTED = ("coef_", "intercept_")


def use_double_precision(model: Any) -> None:
    """Change the coefficients of a fitted model's linear parts to float64; their values stay.

    A linear model that was fitted on float32 also predicts in it: the order in which the library adds up a row depends
    on the number of rows, so that probabilities of the same row differ by about 1e-7. With float64 it is 1e-16.
    """
    parts = getattr(model, "parts", None)
    for part in [model] if parts is None else parts.values():
        classifier = part["classifier"]
        for name in FITTED:
            if hasattr(classifier, name):
                setattr(classifier, name, getattr(classifier, name).astype("float64"))
