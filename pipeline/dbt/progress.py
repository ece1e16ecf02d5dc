"""Shows how many models and tests of a dbt command have ended and which it is working on, on a terminal only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from waybill.text import console

SHOWN = ("build", "source")  # the commands of the stage dbt; other stages show that they work


@contextmanager
def shown_nodes(subcommand: str) -> Iterator[Callable[[Any], None]]:
    """Yield a function that takes each event of dbt, and show the nodes that are being worked on meanwhile.

    What is printed meanwhile appears above the progress if it goes to a terminal, too.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    terminal, printed = console(stderr=True), console()
    columns = [TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn()]
    is_shown = subcommand in SHOWN and terminal.is_terminal
    at_work: dict[str, str] = {}  # id → name, in the order of their starts
    lock = threading.Lock()  # dbt calls from its threads
    with Progress(
        *columns, console=terminal, transient=True, disable=not is_shown, redirect_stdout=printed.is_terminal
    ) as progress:
        task = progress.add_task(f"dbt: {subcommand}", total=None)

        def note(event: Any) -> None:
            if event.info.name not in ("LogStartLine", "NodeFinished"):
                return
            node = event.data.node_info
            with lock:
                if event.info.name == "LogStartLine":
                    at_work[node.unique_id] = node.node_name
                    progress.update(task, total=event.data.total)
                elif at_work.pop(node.unique_id, None):
                    progress.advance(task)
                found = progress.tasks[0]
                counted = f"dbt: {found.completed:.0f} of {found.total or 0:.0f}"
                progress.update(task, description=" ".join([counted, *at_work.values()]), refresh=True)

        yield note
