"""Predicts the rows of requests that arrive at the same time together: twenty single rows take as long as three."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ml.api.models.rows import Row
from ml.api.models.served import ServedModel

FEW_ROWS = 64  # of a request, which the event loop predicts itself: another thread would take longer
AT_ONCE = 128  # rows, after which the event loop does something else

InThread = Callable[..., Awaitable[Any]]


@dataclass(frozen=True)
class _Waiting:
    served: ServedModel
    rows: Sequence[Row]
    answer: asyncio.Future[Any]


class JoinedPredictions:
    """Collects the requests that the event loop has read in one turn, and predicts those of the same model at once.

    Nothing waits for a request that has not arrived yet. Each answer is the one that its rows have alone, see
    `ServedModel.predict`.
    """

    def __init__(self, in_thread: InThread) -> None:
        """Take what runs a function with its arguments in another thread, for requests with many rows."""
        self._in_thread = in_thread
        self._waiting: list[_Waiting] = []

    async def predict(self, served: ServedModel, rows: Sequence[Row]) -> Any:
        """Return the probabilities of the rows, as `ServedModel.predict` does; call it in the event loop."""
        if len(rows) > FEW_ROWS:
            return await self._in_thread(served.predict, rows)
        loop = asyncio.get_running_loop()
        one = _Waiting(served, rows, loop.create_future())
        if not self._waiting:
            loop.call_soon(self._predict_waiting)
        self._waiting.append(one)
        return await one.answer

    def _predict_waiting(self) -> None:
        """Answer the first requests that wait, those of one model and with few rows in all."""
        together: list[_Waiting] = []
        rows = 0
        for one in self._waiting:
            rows += len(one.rows)
            if together and (one.served is not together[0].served or rows > AT_ONCE):
                break
            together.append(one)
        del self._waiting[: len(together)]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._predict_waiting)
        _answer([one for one in together if not one.answer.done()])  # a client that is gone has cancelled its own


def _answer(together: list[_Waiting]) -> None:
    """Predict all rows at once and divide the answers; if that fails, each request alone gets its own error."""
    if not together:
        return
    try:
        found = together[0].served.predict([row for one in together for row in one.rows])
    except Exception as error:
        if len(together) == 1:
            together[0].answer.set_exception(error)
            return
        for one in together:
            _answer([one])
        return
    start = 0
    for one in together:
        one.answer.set_result(found[start : start + len(one.rows)])
        start += len(one.rows)
