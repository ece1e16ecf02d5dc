"""CPU time, memory and written bytes of a process include those of its children."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import psutil

from pipeline.consumption.process_tree import ProcessTree
from tests.support.consumption import BURN, waiting


def sample_until(tree: ProcessTree, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds() and time.monotonic() < deadline:
        tree.sample(psutil.Process())
        time.sleep(0.01)
    assert holds()


def children() -> int:
    """Return the number of processes below this one; other tests may have left some."""
    return len(psutil.Process().children(recursive=True))


def test_a_child_that_outlives_its_parent_is_measured() -> None:
    before = children()
    orphan = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {BURN.format(0.4)!r}]); input()"
    tree = ProcessTree(psutil.Process)
    with subprocess.Popen([sys.executable, "-c", orphan], stdin=subprocess.PIPE) as parent:
        sample_until(tree, lambda: tree.descendants == before + 2)
        parent.communicate(b"\n")
    assert tree.descendants == before + 2
    sample_until(tree, lambda: tree.descendants == before)
    assert tree.used.cpu_seconds >= 0.2  # use after the last sample is lost


def test_a_process_tree_is_counted_in_one_part_only() -> None:
    before = children()
    with waiting() as child:
        with_it, without = ProcessTree(psutil.Process), ProcessTree(psutil.Process)
        with_it.sample(psutil.Process())
        without.sample(psutil.Process(), {child.pid})
    assert (with_it.descendants - before, without.descendants - before) == (1, 0)
    assert with_it.memory_bytes > without.memory_bytes
    assert 0 < with_it.largest_bytes < with_it.memory_bytes  # what they share, and the smaller one, come on top


def test_earlier_use_of_a_child_found_late_is_left_out() -> None:
    """The kernel's list of children can leave one out in the first sample."""
    with waiting(f"exec({BURN.format(0.5)!r})") as child:
        tree = ProcessTree(psutil.Process)
        tree.sample(psutil.Process(), {child.pid})
        tree.sample(psutil.Process())
        assert tree.used.cpu_seconds < 0.3
