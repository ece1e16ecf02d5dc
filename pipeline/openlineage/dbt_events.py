"""Notes what dbt does while it runs: each model when it starts and ends, and the outcome of the tests of each model."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from pipeline.openlineage.listener import EventListener
from pipeline.openlineage.state_changes import Begun, State
from warehouse.dbt_login import DBT_PROJECT, target_folder
from waybill.observing.work import Work, current_listener, unharmed

BUILT = ("model", "seed", "snapshot")
WATCHED = ("build", "retry", "run", "seed", "snapshot", "test")
ENDS: dict[str, State] = {"skipped": "ABORT"}
MESSAGES = {"skipped": "skipped, because a model or test before it failed"}
SUCCEEDED = ("success", "pass", "warn")


class DbtEvents:
    """The models that dbt is working on, and the results of a command. dbt calls it from its threads."""

    def __init__(self, subcommand: str | None) -> None:
        """Look for a listener; without one, or if the command builds and tests nothing, nothing is noted."""
        found = current_listener() if subcommand in WATCHED else None
        self._listener = found if isinstance(found, EventListener) else None
        self._begun: dict[str, Begun] = {}
        self._lock = threading.Lock()
        self._results: list[Any] = []

    def __enter__(self) -> DbtEvents:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the models that dbt has not ended, and announce the outcome of the tests of each model."""
        if (listener := self._listener) is None:
            return
        for begun in self._begun.values():
            listener.end_as("ABORT", begun)
        self._begun.clear()
        unharmed(lambda: announce_tests(self._results, listener))

    def keep(self, result: Any) -> list[Any]:
        """Remember and return the results of the nodes, none if the command has none."""
        self._results = list(getattr(result, "results", None) or [])
        return self._results

    @property
    def callbacks(self) -> list[Callable[[Any], None]]:
        """What dbt has to call with its events."""
        return [self._on_event] if self._listener else []

    def _on_event(self, event: Any) -> None:
        if event.info.name in ("NodeStart", "NodeFinished"):
            unharmed(lambda: self._note(event))

    def _note(self, event: Any) -> None:
        node = event.data.node_info
        if node.resource_type not in BUILT or node.materialized == "ephemeral" or self._listener is None:
            return  # an ephemeral model is a part of its readers' queries
        if event.info.name == "NodeStart":
            begun = self._listener.begin(_model(node))
            with self._lock:
                self._begun[node.unique_id] = begun
            return
        with self._lock:
            found = self._begun.pop(node.unique_id, None)
        if found is None:
            return
        result = event.data.run_result
        rows = dict(result.adapter_response).get("rows_affected")
        if rows is not None and float(rows) >= 0 and "view" not in node.materialized:
            found.work.found["rows"] = int(float(rows))
        status = str(result.status).lower()
        message = None if status in SUCCEEDED else MESSAGES.get(status, f"dbt ended the {node.resource_type}: {status}")
        self._listener.end_as("COMPLETE" if message is None else ENDS.get(status, "FAIL"), found, message)


def announce_tests(results: list[Any], listener: EventListener) -> None:
    """Announce the tests of each model as one piece of work, with an assertion for each test."""
    of: dict[str, list[Any]] = {}
    for entry in results:
        if entry.node.resource_type in ("test", "unit_test") and str(entry.status) != "skipped":
            of.setdefault(_tested(entry.node), []).append(entry)
    for unique_id, entries in of.items():
        kind, _, name = unique_id.split(".", 2)
        work = Work("test", name if kind == "source" else name.rpartition(".")[2], _facts(unique_id))
        begun = listener.begin(work)
        work.found["assertions"] = [_assertion(entry) for entry in entries]
        failed = sum(str(entry.status) not in SUCCEEDED for entry in entries)
        if failed:
            listener.end_as("FAIL", begun, f"{failed} of {len(entries)} tests failed")
        else:
            listener.end_as("COMPLETE", begun)


def _facts(unique_id: str) -> dict[str, str]:
    return {"unique_id": unique_id, "manifest": str((target_folder() / "manifest.json").resolve())}


def _model(node: Any) -> Work:
    relation = {"schema": node.node_relation.schema, "table": node.node_relation.alias}
    path = {"path": f"{DBT_PROJECT.name}/models/{node.node_path}"}
    return Work("model", node.node_name, {**_facts(node.unique_id), **relation, **path})


def _tested(node: Any) -> str:
    """Return the model or source that a test is about: the one that it is attached to, else the first that it reads."""
    for name in ("attached_node", "tested_node_unique_id"):
        if tested := getattr(node, name, None):
            return str(tested)
    return str(next(iter(node.depends_on.nodes), node.unique_id))


def _assertion(entry: Any) -> dict[str, Any]:
    """Return a test without its own name, which may hold the values that it accepts."""
    node, status = entry.node, str(entry.status)
    kind = getattr(getattr(node, "test_metadata", None), "name", None)
    return {
        "assertion": kind or ("unit_test" if node.resource_type == "unit_test" else node.name),
        "success": status == "pass",
        "column": getattr(node, "column_name", None),
        "severity": "warn" if status == "warn" else "error",
    }
