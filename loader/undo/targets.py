"""Finds the batches that `undo` is asked for: one batch, all of a run, or all of a file's content."""

from __future__ import annotations

import shlex
from uuid import UUID

from loader.errors import CoordinateUnknown, UndoRefused
from loader.tracing.search import FoundInputs, find_inputs
from loader.tracing.snapshot import Snapshot
from waybill.cli import shown_command

BATCH_SOURCE = "select source from ledger.batches where batch_id = %s"
RUN = "select command from ledger.runs where run_id = %s"

# A batch without documents and rejects, such as that of a known file, has nothing that could be undone.
# A reading that was replaced had landed nothing, and its rejects are closed.
BATCHES = """
select batches.batch_id, batches.source
from ledger.batches
inner join ledger.inputs on batches.input_id = inputs.input_id
where
    (batches.batch_id = any(%(batches)s::uuid[]) or batches.run_id = any(%(runs)s::uuid[])
        or batches.input_id = any(%(inputs)s::uuid[]))
    and (batches.landed > 0 or batches.rejected > 0)
    and inputs.replaced_at is null
    and not exists (select from ledger.undone_batches as undone where undone.batch_id = batches.batch_id)
order by batches.committed_at, batches.batch_id
"""

SOURCE_BATCHES = """
select batches.batch_id
from ledger.batches
inner join ledger.inputs on batches.input_id = inputs.input_id
where
    batches.source = %s
    and (batches.landed > 0 or batches.rejected > 0)
    and inputs.replaced_at is null
    and not exists (select from ledger.undone_batches as undone where undone.batch_id = batches.batch_id)
order by batches.committed_at, batches.batch_id
"""

INPUTS = """
select inputs.input_id, inputs.source, inputs.feed, inputs.digest, min(batches.committed_at), array_agg(batches.run_id)
from ledger.inputs
inner join ledger.batches on inputs.input_id = batches.input_id
where inputs.input_id = any(%s::uuid[])
group by inputs.input_id
order by min(batches.committed_at)
"""


def find_batches(snapshot: Snapshot, target: str, source: str | None) -> list[str]:
    """Return the ids of the target's batches that are not undone yet and have documents or rejects.

    Raises:
        UndoRefused: the target names no batch, run or file, or several contents or sources.
    """
    wanted: dict[str, list[str]] = {"batches": [], "runs": [], "inputs": []}
    identifier = _as_id(target)
    of_batch = snapshot.rows(BATCH_SOURCE, [identifier]) if identifier else []
    if identifier and of_batch:
        if source not in (None, of_batch[0][0]):
            raise UndoRefused(f"batch {target} is of source {of_batch[0][0]}, not of {source}")
        wanted["batches"] = [identifier]
    elif identifier and snapshot.rows(RUN, [identifier]):
        wanted["runs"] = [identifier]
    elif identifier:
        raise UndoRefused(f"{target}: no batch and no run has this id; `{shown_command('why')}` shows both")
    else:
        wanted["inputs"] = _inputs_of(snapshot, target, source)
    found = snapshot.rows(BATCHES, wanted)
    return [batch_id for batch_id, of_source in found if source in (None, of_source)]


def find_source_batches(snapshot: Snapshot, source: str) -> list[str]:
    """Return the ids of a source's batches that are not undone yet and have documents or rejects."""
    return [batch_id for (batch_id,) in snapshot.rows(SOURCE_BATCHES, [source])]


def _as_id(target: str) -> str | None:
    try:
        return str(UUID(target)) if len(target) == 36 else None
    except ValueError:
        return None


def _inputs_of(snapshot: Snapshot, name: str, source: str | None) -> list[str]:
    """Return the inputs with the content of a file, in one source."""
    try:
        found = find_inputs(snapshot, name)
    except CoordinateUnknown as error:
        raise UndoRefused(f"{error}: `undo` takes the id of a batch or a run, or the name of a loaded file") from None
    inputs = snapshot.rows(INPUTS, [[one.input_id for one in found.inputs]])
    inputs = [row for row in inputs if source in (None, row[1])]
    if not inputs:
        raise UndoRefused(f"{name} was not loaded{f' as source {source}' if source else ''}")
    if any(feed == "kafka" for _, _, feed, _, _, _ in inputs):
        raise UndoRefused(f"{name} is a topic partition: give the id of a batch, or of a run of the consumer")
    _require_one_content(found, inputs)
    sources = sorted({row[1] for row in inputs})
    if len(sources) > 1:
        command = shown_command(f"undo --source {sources[0]} {shlex.quote(name)}")
        raise UndoRefused(f"{name} was loaded as {', '.join(sources)}: name one of them, such as `{command}`")
    return [row[0] for row in inputs]


def _require_one_content(found: FoundInputs, inputs: list[tuple[object, ...]]) -> None:
    """Raise UndoRefused if a name that no file has now, or a changed file, was loaded with several contents."""
    if len({digest for _, _, _, digest, _, _ in inputs}) > 1:
        runs = "; ".join(f"{at:%Y-%m-%d %H:%M} UTC by run {run_ids[0]}" for *_, at, run_ids in inputs)  # type: ignore[index,str-format]
        raise UndoRefused(
            f"{found.shown_name} was loaded with {len(inputs)} different contents ({runs}): "
            "give the id of the run that loaded the one to undo"
        )
