"""What a process and all that it starts take of the machine: CPU time, memory, bytes read and written."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

FindRoot = Callable[[], "psutil.Process | None"]
GONE = (psutil.NoSuchProcess, psutil.ZombieProcess)


@dataclass(frozen=True)
class Counters:
    """CPU seconds and bytes from and to the disk; both only ever grow."""

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
        """Return how much was added since the other; never below nothing."""
        return Counters(
            max(self.cpu_seconds - other.cpu_seconds, 0.0),
            max(self.read_bytes - other.read_bytes, 0),
            max(self.written_bytes - other.written_bytes, 0),
        )


class ProcessTree:
    """Adds up a process and its descendants, from now on.

    The kernel adds what a child took to its parent when the parent waits for it, so the sum over those that live loses
    nothing with a child that came and went between two looks. A descendant whose parent ended first is followed until
    it ends; what it took after the last look at it is lost. A root that is replaced, such as a server that is started
    anew, begins another sum.
    """

    def __init__(self, find_root: FindRoot) -> None:
        """Take the way to find the root, asked at every look; it may not be there yet."""
        self._find_root = find_root
        self._since = time.time()
        self._root: psutil.Process | None = None
        self._followed: dict[int, psutil.Process] = {}
        self._last: dict[int, tuple[Counters, int]] = {}  # process → what it took, and its parent
        self._before = self._ended = self._sum = Counters()
        self.memory_bytes = 0
        self.shows_bytes = True  # another user's processes may hide what they read and wrote

    @property
    def is_there(self) -> bool:
        """Whether the root has been seen at all."""
        return self._root is not None

    @property
    def others(self) -> int:
        """How many processes but the root lived at the last look."""
        return max(len(self._followed) - 1, 0)

    @property
    def taken(self) -> Counters:
        """What was taken from the beginning to the last look."""
        return self._ended + (self._sum - self._before)

    def find(self) -> psutil.Process | None:
        """Return the root of this moment."""
        return self._find_root()

    def look(self, root: psutil.Process | None, apart: Collection[int] = ()) -> None:
        """Look once; `apart` are the numbers of roots whose trees are counted elsewhere."""
        if root is None:
            self.memory_bytes = 0
            return
        is_new = root != self._root
        if is_new:
            self._ended, self._root = self.taken, root
            self._followed, self._last, self._sum, self._before = {}, {}, Counters(), Counters()
        self._add_up(root, apart)
        if is_new and root.create_time() < self._since:
            self._before = self._sum

    def _add_up(self, root: psutil.Process, apart: Collection[int]) -> None:
        for process in list(_descend(root, apart)):
            self._followed.setdefault(process.pid, process)
        for number in self._followed.keys() & set(apart):  # it became the root of another tree meanwhile
            del self._followed[number]
            self._last.pop(number, None)
        private = shared = 0
        for number, process in list(self._followed.items()):
            try:
                with process.oneshot():
                    self._last[number] = self._counters(process), process.ppid()
                    memory = process.memory_info()
            except GONE:
                del self._followed[number]
                if self._last.get(number, (None, root.pid))[1] in {root.pid, *self._followed}:
                    self._last.pop(number, None)  # its parent has waited for it and holds what it took
                continue
            except psutil.AccessDenied:
                continue
            common = getattr(memory, "shared", 0)  # of all that share it, it is counted once
            private, shared = private + memory.rss - common, max(shared, common)
        self.memory_bytes = private + shared
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


def _descend(process: psutil.Process, apart: Collection[int]) -> Iterator[psutil.Process]:
    yield process
    for child in _children(process):
        if child.pid not in apart:
            yield from _descend(child, apart)


def _children(process: psutil.Process) -> list[psutil.Process]:
    """Return the children: of the kernel's own list where there is one, without a look at all processes."""
    lists = list(Path(f"/proc/{process.pid}/task").glob("*/children"))
    if not lists:
        try:
            return process.children()
        except psutil.Error:
            return []
    found = []
    for listed in lists:
        try:
            found += [psutil.Process(int(number)) for number in listed.read_text().split()]
        except (OSError, psutil.Error):
            continue
    return found
