"""Runs stages in other processes, one after the other, while the run's own process works on the next stages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import UUID

from pipeline.consumption.meter import Meter
from pipeline.stage_list import find_stage
from pipeline.stage_process import StageProcess
from pipeline.stage_run import StageDone, measured


class Beside:
    """The stages that run beside those of this process. Leaving the block stops those that have not ended."""

    def __init__(self, run_id: UUID | None) -> None:
        """Take the run that they are a part of."""
        self._run_id, self._is_stopped = run_id, False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="waybill-beside")
        self._processes: list[StageProcess] = []
        self._under_way: dict[str, Future[StageDone]] = {}
        self.names: set[str] = set()

    def __enter__(self) -> Beside:
        """Begin with none."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the stages that have not ended, and wait until all processes have."""
        self._is_stopped = True
        for process in self._processes:
            process.stop()
        self._thread.shutdown(cancel_futures=True)
        self._wait_for_processes()

    def start(self, names: Sequence[str]) -> None:
        """Start these stages after those that were started before."""
        for name in names:
            self.names.add(name)
            self._under_way[name] = self._thread.submit(self._do, name)

    def ended(self, *, waits: bool) -> Iterator[tuple[str, Future[StageDone]]]:
        """Yield the stages that have ended since the last call, in their order; with `waits`, wait for all.

        Call it between the stages of this process: the system adds what an ended process used to its parent's use.
        """
        for name, stage in list(self._under_way.items()):
            if not waits and not stage.done():
                break
            stage.exception()
            yield name, self._under_way.pop(name)
        if not self._under_way:
            self._wait_for_processes()

    def _do(self, name: str) -> StageDone:
        process = StageProcess(name)
        self._processes.append(process)
        if self._is_stopped:
            process.stop()
        try:
            return measured(find_stage(name), process.result, meter=Meter(process.measured), run_id=self._run_id)
        finally:
            process.let_go()

    def _wait_for_processes(self) -> None:
        for process in self._processes:
            process.wait()
        self._processes.clear()
