"""Requests that arrive together are predicted together, and each gets its own answer or its own error."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from ml.api.models.joined import AT_ONCE, FEW_ROWS, JoinedPredictions


class Doubling:
    """A model that doubles a number, remembers how many rows came at once, and refuses None."""

    def __init__(self, factor: float = 2.0) -> None:
        self.factor = factor
        self.calls: list[int] = []

    def predict(self, rows: list[dict[str, Any]]) -> Any:
        self.calls.append(len(rows))
        return np.array([row["n"] * self.factor for row in rows])


def ask(requests: list[tuple[Any, list[Any]]]) -> list[Any]:
    async def together() -> list[Any]:
        joined = JoinedPredictions(asyncio.to_thread)
        asked = [joined.predict(model, [{"n": number} for number in numbers]) for model, numbers in requests]
        return await asyncio.gather(*asked, return_exceptions=True)

    return asyncio.run(together())


def test_each_request_gets_its_own_rows() -> None:
    model = Doubling()
    found = ask([(model, [1]), (model, [2, 3]), (model, [4])])
    assert [one.tolist() for one in found] == [[2], [4, 6], [8]]
    assert model.calls == [4]


def test_models_are_never_mixed() -> None:
    first, second = Doubling(), Doubling(10)
    found = ask([(first, [1]), (second, [2]), (first, [3])])
    assert [one.tolist() for one in found] == [[2], [20], [6]]


def test_one_request_that_fails_leaves_the_others() -> None:
    model = Doubling()
    found = ask([(model, [1]), (model, [None]), (model, [3])])
    assert isinstance(found[1], TypeError)
    assert (found[0].tolist(), found[2].tolist()) == ([2], [6])


def test_many_rows_are_predicted_in_a_thread_and_few_in_portions() -> None:
    model = Doubling()
    found = ask([(model, [1] * (FEW_ROWS + 1)), *[(model, [number] * FEW_ROWS) for number in range(5)]])
    assert [one.tolist() for one in found[1:]] == [[2 * number] * FEW_ROWS for number in range(5)]
    assert sorted(model.calls) == [FEW_ROWS, FEW_ROWS + 1, AT_ONCE, AT_ONCE]


def test_a_client_that_is_gone_leaves_the_others() -> None:
    async def together() -> Any:
        joined, model = JoinedPredictions(asyncio.to_thread), Doubling()
        asked = [asyncio.ensure_future(joined.predict(model, [{"n": number}])) for number in range(3)]  # type: ignore[arg-type]
        await asyncio.sleep(0)
        asked[1].cancel()
        return await asyncio.gather(*asked, return_exceptions=True)

    first, gone, last = asyncio.run(together())
    assert (first.tolist(), last.tolist()) == ([0], [4])
    assert isinstance(gone, asyncio.CancelledError)


@pytest.mark.parametrize("rows", [0, 1])
def test_an_empty_request_beside_others(rows: int) -> None:
    model = Doubling()
    assert [len(one) for one in ask([(model, [1] * rows), (model, [2])])] == [rows, 1]
