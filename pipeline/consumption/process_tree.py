"""What a process and its descendants use: CPU time, memory, bytes read and written."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

FindRoot = Callable[[], "psutil.Process | None"]
TICK_SECONDS = 0.02  # the kernel rounds the time of creation down, to a hundredth of a second
GONE = (psutil.NoSuchProcess, psutil.ZombieProcess)


@dataclass(frozen=True)
class Counters:
    """CPU seconds, and bytes read from and written to the disk. They never decrease."""

    cpu_seconds: float = 0.0
    read_bytes: int = 0
    written_bytes: int = 0

    def __add__(self, other: Counters) -> Counters:
        """Return the sum."""
        return Counters(
            self.cpu_seconds + other.cpu_seconds,
            self.read_bytes + other.read_bytes,
            self.written_bytes + other.written_bytes,
        )

    def __sub__(self, other: Counters) -> Counters:
        """Return the increase since the other, at least 0."""
        return Counters(
            max(self.cpu_seconds - other.cpu_seconds, 0.0),
            max(self.read_bytes - other.read_bytes, 0),
            max(self.written_bytes - other.written_bytes, 0),
        )


class ProcessTree:
    """Adds up a process and its descendants from the moment of creation.

    When a parent waits for a child that ended, the kernel adds the child's use to the parent's. So the sum over the
    living processes misses nothing of a child that started and ended between two samples. A descendant whose parent
    ended first is followed until it ends; its use after the last sample is lost. When the root is replaced, for example
    by a restarted server, a new sum starts.
    """

    def __init__(self, find_root: FindRoot) -> None:
        """Take the function that finds the root. It is called for every sample; the root need not exist yet."""
        self._find_root = find_root
        self._since = _now()
        self._root: psutil.Process | None = None
        self._followed: dict[int, psutil.Process] = {}
        self._last: dict[int, tuple[Counters, int]] = {}  # process → its use, and its parent
        self._before = self._ended = self._sum = Counters()
        self.memory_bytes = self.largest_bytes = 0  # of all processes, and of the largest one
        self.shows_bytes = True  # the system may hide these counters of another user's processes

    @property
    def is_there(self) -> bool:
        """Whether a root was ever found."""
        return self._root is not None

    @property
    def descendants(self) -> int:
        """How many processes other than the root were alive at the last sample."""
        return max(len(self._followed) - 1, 0)

    @property
    def used(self) -> Counters:
        """What was used between creation and the last sample."""
        return self._ended + (self._sum - self._before)

    def find(self) -> psutil.Process | None:
        """Return the current root."""
        return self._find_root()

    def sample(self, root: psutil.Process | None, excluded: Collection[int] = ()) -> None:
        """Take one sample; `excluded` are the process numbers of roots whose trees are counted elsewhere."""
        if root is None:
            self.memory_bytes = self.largest_bytes = 0
            return
        if root != self._root:
            self._ended, self._root = self.used, root
            self._followed, self._last, self._sum, self._before = {}, {}, Counters(), Counters()
        self._add_up(root, excluded)

    def _add_up(self, root: psutil.Process, excluded: Collection[int]) -> None:
        for process in list(_descend(root, excluded)):
            self._followed.setdefault(process.pid, process)
        for number in self._followed.keys() & set(excluded):  # it has become the root of another tree
            del self._followed[number]
            self._last.pop(number, None)
        private = shared = largest = 0
        for number, process in list(self._followed.items()):
            try:
                with process.oneshot():
                    counters = self._counters(process)
                    if number not in self._last and process.create_time() < self._since - TICK_SECONDS:
                        self._before += counters  # a process can be missing in earlier samples, see _children
                    self._last[number] = counters, process.ppid()
                    memory = process.memory_info()
            except GONE:
                del self._followed[number]
                if self._last.get(number, (None, root.pid))[1] in {root.pid, *self._followed}:
                    self._last.pop(number, None)  # its parent has waited for it and includes its use
                continue
            except psutil.AccessDenied:
                continue
            common = getattr(memory, "shared", 0)  # memory that several processes share is counted once
            private, shared = private + memory.rss - common, max(shared, common)
            largest = max(largest, memory.rss - common)
        self.memory_bytes, self.largest_bytes = private + shared, largest
        self._sum = sum((counters for counters, _ in self._last.values()), Counters())

    def _counters(self, process: psutil.Process) -> Counters:
        times: Any = process.cpu_times()
        cpu = times.user + times.system + times.children_user + times.children_system
        try:
            moved: Any = process.io_counters() if hasattr(process, "io_counters") else None
        except psutil.AccessDenied:
            moved = None
        if moved is None:
            self.shows_bytes = self.shows_bytes and process != self._root
            return Counters(cpu)
        return Counters(cpu, moved.read_bytes, moved.write_bytes)


def _now() -> float:
    """Return the time by the clock of `create_time`, which can differ from the time of day by a second."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.time() if clock is None else psutil.boot_time() + time.clock_gettime(clock)


def _descend(process: psutil.Process, excluded: Collection[int]) -> Iterator[psutil.Process]:
    yield process
    for child in _children(process):
        if child.pid not in excluded:
            yield from _descend(child, excluded)


def _children(process: psutil.Process) -> list[psutil.Process]:
    """Return the children, from the kernel's list if there is one: that avoids a scan of all processes.

    The list can leave out a child while another one ends.
    """
    lists = list(Path(f"/proc/{process.pid}/task").glob("*/children"))
    if not lists:
        try:
            return process.children()
        except psutil.Error:
            return []
    found = []
    for listed in lists:
        try:
            found += [psutil.Process(int(number)) for number in listed.read_text(encoding="utf-8").split()]
        except (OSError, psutil.Error):
            continue
    return found
