"""Puts found parameters into a task's declaration; every comment, and everything else in the file, stays."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from ml.errors import TaskBroken
from waybill.atomic_files import atomic_file
from waybill.settings import relative_name

Parameters = dict[str, dict[str, Any]]


def candidate_lines(candidates: Parameters) -> Iterator[str]:
    """Yield the block `candidates` of a declaration."""
    yield "candidates:"
    yield from (f"  {name}: {_flow(parameters)}" for name, parameters in candidates.items())


def write_parameters(path: Path, digest: str, found: Parameters) -> None:
    """Replace the parameters of the candidates that are named.

    Raises:
        TaskBroken: the file has changed since it had this SHA-256, or its YAML is too special to be changed by parts.
    """
    name = relative_name(path)
    raw = path.read_bytes()
    if hashlib.sha256(raw).hexdigest() != digest:
        raise TaskBroken(f"{name} was changed during the search, so nothing was written: run the same command again")
    text = raw.decode()
    before = yaml.safe_load(text)
    wanted = {**before, "candidates": {**before["candidates"], **found}}
    if (after := _replaced(text, found)) is None or yaml.safe_load(after) != wanted:
        raise TaskBroken(f"{name} has aliases or tags in `candidates`: put in the lines above yourself")
    with atomic_file(path) as partial:
        partial.write_bytes(after.encode())


def _replaced(text: str, found: Parameters) -> str | None:
    """Return the text with other parameters, replaced from the end, so that positions before stay true.

    The position of an alias is that of its anchor elsewhere: None if a value is not after its key.
    """
    root: Any = yaml.compose(text, yaml.SafeLoader)
    candidates = next(value for key, value in root.value if key.value == "candidates")
    for key, value in sorted(candidates.value, key=lambda pair: -pair[0].start_mark.index):
        if key.value in found:
            if value.start_mark.index < key.end_mark.index:
                return None
            text = f"{text[: value.start_mark.index]}{_flow(found[key.value])}{text[_end(value) :]}"
    return text


def _end(node: Any) -> int:
    """Return where a value ends; that of a block is after its last value, not after the comments that follow."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _flow(parameters: dict[str, Any]) -> str:
    text = yaml.safe_dump(parameters, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10_000)
    return str(text).strip()
