"""Measures work: its own processes, PostgreSQL's and the broker's, by samples that cost almost nothing."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType

import psutil

from pipeline.consumption.energy import Energy, EnergyMeter
from pipeline.consumption.process_tree import ProcessTree
from streaming.local_broker.process import broker_paths, find_broker_process
from warehouse import embedded
from warehouse.errors import WarehouseError
from warehouse.server_paths import find_server_paths
from waybill.settings import Settings, get_settings

logger = logging.getLogger(__name__)

MIN_PAUSE_SECONDS = 0.2
PAUSE_PER_COST = 200  # a sample that took 1 ms of CPU is followed by a pause of 200 ms: half a percent
MAX_IDLE_SHARE = 0.05  # of a core: a broker below this was idle and had no part in the work
HIDDEN = "not measured: it did not run, or the system hides its processes"
ELSEWHERE = "its use is part of that of the stages that ran at the same time"
COMMANDS, POSTGRESQL, BROKER = "commands", "PostgreSQL", "Kafka broker"


@dataclass(frozen=True)
class PartUse:
    """What one part used; `unseen` is the reason if it could not be measured. Bytes are None if they are hidden."""

    part: str
    cpu_seconds: float | None = None
    peak_bytes: int | None = None
    mean_bytes: int | None = None
    read_bytes: int | None = None
    written_bytes: int | None = None
    unseen: str | None = None


@dataclass(frozen=True)
class Use:
    """What work used in total and by part. Peak and mean are those of the sum of the parts."""

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    mean_bytes: int
    read_bytes: int | None
    written_bytes: int | None
    energy: Energy
    parts: list[PartUse]


class _Memory:
    """Peak and mean over time of the sampled memory."""

    def __init__(self) -> None:
        self.peak, self._area, self._seconds = 0, 0.0, 0.0

    def add(self, size: int, seconds: float) -> None:
        self.peak, self._area, self._seconds = (
            max(self.peak, size),
            self._area + size * seconds,
            self._seconds + seconds,
        )

    @property
    def mean(self) -> int:
        return round(self._area / self._seconds) if self._seconds else self.peak


_measured_alone: list[psutil.Process] = []  # children of this process


class Meter:
    """Context manager that measures its block. `use` is set afterwards, even if the block raised an error."""

    use: Use

    def __init__(self, child: psutil.Process | None = None) -> None:
        """Find out which parts can be measured: with a child of this process, that one alone.

        Other meters leave out the child until this process has waited for its end; then they would count all of it.
        """
        self._settings = get_settings()
        self._unseen, self._roots = _parts(self._settings)
        self._is_ours = child is None
        if child:
            _measured_alone.append(child)
            self._unseen = {POSTGRESQL: self._unseen.get(POSTGRESQL, ELSEWHERE)}
            self._roots = {COMMANDS: lambda: child}
        self._cost_seconds, self._stop = 0.0, threading.Event()

    def __enter__(self) -> Meter:
        """Take the first sample and start a thread that takes the next ones."""
        self._started = self._sampled_at = time.monotonic()
        self._energy = EnergyMeter(self._settings)
        self._trees = {name: ProcessTree(find) for name, find in self._roots.items()}
        self._memory = {name: _Memory() for name in self._trees}
        self._together, self._without_broker = _Memory(), _Memory()
        self._sample()
        self._thread = threading.Thread(target=self._watch, name="conso", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the last sample and add everything up."""
        self._stop.set()
        self._thread.join()
        self._sample()
        self.use = self._add_up(time.monotonic() - self._started)

    def _watch(self) -> None:
        cost = 0.0
        while not self._stop.wait(pause(cost)):
            cost = self._sample()

    def _sample(self) -> float:
        """Sample all parts; return the CPU seconds that it cost. Only one thread samples at a time."""
        before = time.thread_time()
        try:
            self._sample_parts()
        except (psutil.Error, OSError) as error:  # a failed sample is left out; the work continues
            logger.info("the processes could not be sampled reason=%s", error)
        cost = time.thread_time() - before
        self._cost_seconds += cost
        return cost

    def _sample_parts(self) -> None:
        seconds, self._sampled_at = time.monotonic() - self._sampled_at, time.monotonic()
        roots = {name: tree.find() for name, tree in self._trees.items()}
        counted = {*(root for root in roots.values() if root), *(one for one in _measured_alone if one.is_running())}
        for name, tree in self._trees.items():
            tree.sample(roots[name], {other.pid for other in counted if other != roots[name]})
            self._memory[name].add(tree.memory_bytes, seconds)
        sizes = {name: tree.memory_bytes for name, tree in self._trees.items()}
        self._together.add(sum(sizes.values()), seconds)
        self._without_broker.add(sum(sizes.values()) - sizes.get(BROKER, 0), seconds)

    def _add_up(self, wall: float) -> Use:
        parts = [self._part(name, tree) for name, tree in self._trees.items() if tree.is_there]
        parts = [part for part in parts if part.part != BROKER or (part.cpu_seconds or 0) >= MAX_IDLE_SHARE * wall]
        hidden = {name: HIDDEN for name, tree in self._trees.items() if name == POSTGRESQL and not tree.is_there}
        cpu = sum(part.cpu_seconds or 0.0 for part in parts)
        memory = self._together if any(part.part == BROKER for part in parts) else self._without_broker
        return Use(
            wall_seconds=wall,
            cpu_seconds=cpu,
            peak_bytes=memory.peak,
            mean_bytes=memory.mean,
            read_bytes=_sum([part.read_bytes for part in parts]),
            written_bytes=_sum([part.written_bytes for part in parts]),
            energy=self._energy.used(cpu, wall),
            parts=parts + [PartUse(name, unseen=reason) for name, reason in {**self._unseen, **hidden}.items()],
        )

    def _part(self, name: str, tree: ProcessTree) -> PartUse:
        used, memory = tree.used, self._memory[name]
        own_cost = self._cost_seconds if name == COMMANDS and self._is_ours else 0.0
        return PartUse(
            part=name,
            cpu_seconds=max(used.cpu_seconds - own_cost, 0.0),
            peak_bytes=memory.peak,
            mean_bytes=memory.mean,
            read_bytes=used.read_bytes if tree.shows_bytes else None,
            written_bytes=used.written_bytes if tree.shows_bytes else None,
        )


def pause(cost_seconds: float) -> float:
    """Return the seconds to wait after a sample that cost this much CPU, so that sampling stays below 1 %."""
    return max(MIN_PAUSE_SECONDS, PAUSE_PER_COST * cost_seconds)


def _parts(settings: Settings) -> tuple[dict[str, str], dict[str, Callable[[], psutil.Process | None]]]:
    """Return part → why it cannot be measured, and part → the function that finds its root process."""
    unseen: dict[str, str] = {}
    this_process = psutil.Process()
    roots: dict[str, Callable[[], psutil.Process | None]] = {COMMANDS: lambda: this_process}
    if not settings.is_embedded:
        unseen[POSTGRESQL] = "not measured: PGHOST names an external server"
    else:
        with suppress(WarehouseError):  # the work itself reports why the server has no folders
            server = find_server_paths(settings)
            roots[POSTGRESQL] = lambda: embedded.find_process(server)
    if settings.kafka_bootstrap_servers:
        unseen[BROKER] = "not measured: KAFKA_BOOTSTRAP_SERVERS names an external broker"
    else:
        roots[BROKER] = lambda: find_broker_process(broker_paths(settings))
    return unseen, roots


def _sum(values: list[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
