"""Says in a few lines what an undo has done, or what a dry run found that it would do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from loader.undo.plan import SourceUndo
from waybill.cli import shown_command
from waybill.text import counted


def undo_lines(sources: dict[str, SourceUndo], *, dry_run: bool) -> Iterator[str]:
    """Yield the lines of each source, then what to do next."""
    if not sources:
        yield "nothing to undo: no document and no reject of it is left"
        return
    yield from undone_lines(sources, lands_again=True)
    if dry_run:
        yield "nothing written: this is what would be undone"
    else:
        yield f"marts, predictions and exports follow with the next `{shown_command('run')}`"


def undone_lines(sources: Mapping[str, SourceUndo], *, lands_again: bool = False) -> Iterator[str]:
    """Yield the lines of each source; `lands_again` says what becomes of its files and messages."""
    for name, undone in sources.items():
        replays = f" and {counted(undone.replays, 'replay')}" if undone.replays else ""
        batches = f"{counted(undone.batches, 'batch', 'batches')}{replays}"
        noun = "document" if undone.documents == 1 else "documents"
        yield f"{name:<12} undone {undone.documents:>9,} {noun} of {batches}{_by_outcome(undone)}"
        if undone.falling_back:
            yield f"{'':<12} {counted(undone.falling_back, 'key')} will have an earlier or equal document instead"
        if undone.closed_rejects or undone.opened_rejects:
            opened = f", {undone.opened_rejects:,} open again" if undone.opened_rejects else ""
            yield f"{'':<12} rejects: {undone.closed_rejects:,} closed{opened}"
        if undone.files and lands_again:
            run = shown_command("run")
            yield f"{'':<12} files that are still there land again with the next load, also that of `{run}`"
        if undone.messages and lands_again:
            yield f"{'':<12} messages of a topic are not read again: to land them again, send them again"


def _by_outcome(undone: SourceUndo) -> str:
    parts = [f"{documents:,} {outcome}" for outcome, documents in undone.outcomes.items()]
    if unseen := undone.documents - sum(undone.outcomes.values()):
        parts.append(f"{unseen:,} not transformed yet")
    return f"   ({', '.join(parts)})" if parts else ""
