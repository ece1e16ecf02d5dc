"""Adopts fields of a modelled source: read all that landed, decide, print, and change the files or print a patch."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import click

from pipeline.errors import ModellingRefused
from pipeline.modelling.adopting.existing import Existing, read_existing
from pipeline.modelling.adopting.files.changes import Changes, Files, add_dbt_source, file_changes
from pipeline.modelling.adopting.named import named_paths
from pipeline.modelling.adopting.pointers import check_pointers
from pipeline.modelling.adopting.redesign import Landed, Redesign, redesign
from pipeline.modelling.adopting.reporting import changed_use_lines, withheld_lines
from pipeline.modelling.deciding.references.keyed_marts import keyed_marts
from pipeline.modelling.deciding.references.values import different_values
from pipeline.modelling.declaration_patch import with_declared_fields
from pipeline.modelling.design import Design
from pipeline.modelling.flags import Flags
from pipeline.modelling.next_steps import build_command
from pipeline.modelling.printing import changed_lines, titled_lines
from pipeline.modelling.profiling.landed import landed_inputs
from pipeline.modelling.profiling.profiling import profile_inputs
from pipeline.modelling.project_files import plain_files
from pipeline.modelling.staged_files import Also, change_files, change_lock, resume_change
from waybill.cli import shown_command
from waybill.settings import PROJECT
from waybill.text import counted

DECLARATION = "loader/sources/{source}.yml"


@dataclass(frozen=True)
class Asked:
    """What the user asked for on the command line; without pointers, everything that differs."""

    source: str
    pointers: tuple[str, ...]
    flags: Flags
    is_dry_run: bool = False


def adopt_source(asked: Asked) -> None:
    """Adopt what the user asks for, all files or none.

    Raises:
        ModellingRefused: a pointer or flag does not fit, nothing has landed, or a file that has to change is edited.
    """
    with change_lock(PROJECT):
        if finished := resume_change(PROJECT, _also(asked), is_dry_run=asked.is_dry_run):
            done = counted(len(finished), "file")
            click.echo(f"finished what an interrupted run began: {done}, such as {finished[0]}")
        existing = read_existing(asked.source)
        found = _redesigned(existing, asked)
        before, after = (_files(existing, one) for one in (found.before, found.after))
        changes = file_changes(asked.source, before, after, is_all=not asked.pointers)
        add_dbt_source(changes, existing.declared)
        own = {*before, *after, f"dbt_project/models/staging/{asked.source}/_raw_{asked.source}.yml"}
        if not changes.names:
            _print([f"{asked.source}: {_nothing(asked, found)}", *withheld_lines(found, own)])
            return
        _print(changed_lines(found.before, found.after))
        _print(changed_use_lines(found, own))
        _print(withheld_lines(found, own))
        if changes.is_blocked:
            _print_patch(asked, changes)
        _write(changes, asked)
        _print(["", "Nothing was written"] if asked.is_dry_run else titled_lines("Next", _steps(found)))


def _also(asked: Asked) -> Also:
    return Also(f"adopt {asked.source}")


def _redesigned(existing: Existing, asked: Asked) -> Redesign:
    """Read what has landed, and make both designs."""
    with landed_inputs(asked.source) as inputs, keyed_marts() as marts:
        profile = profile_inputs(inputs)
        check_pointers(asked.pointers, existing, profile.root)
        landed = Landed(profile, marts, partial(different_values, inputs))
        return redesign(existing, landed, named_paths(asked.pointers, asked.flags), asked.flags)


def _files(existing: Existing, made: Design) -> Files:
    """Return the files of a design, its declaration with what only the existing one says."""
    source, files = existing.declared, plain_files(made)
    declaration = DECLARATION.format(source=source.source)
    contract = f"loader/contracts/{source.source}.schema.json"
    files[f"loader/contracts/{source.contract}"] = files.pop(contract)
    files[declaration] = with_declared_fields(source.source, files[declaration])
    return {name: text for name, text in files.items() if not name.endswith(f"/_raw_{source.source}.yml")}


def _nothing(asked: Asked, found: Redesign) -> str:
    if found.withheld:
        return "nothing to adopt without a path that you name"
    at = f" at {', '.join(asked.pointers)}" if asked.pointers else ""
    if asked.flags.types:
        return f"nothing to adopt{at}: the columns have these types; values that do not fit stay uncastable"
    return f"nothing to adopt{at}: the models are as the documents that landed need them"


def _print_patch(asked: Asked, changes: Changes) -> None:
    """Print the change as a patch, and raise the error that says why nothing was written."""
    _print(["", "The change as a patch, for `git apply`"])
    sys.stdout.writelines(changes.patches())
    sys.stdout.flush()
    for name, lines in changes.by_hand.items():
        click.echo(
            f"\nNot in the patch, since {name} was changed in the same lines: change it by hand like this", err=True
        )
        click.echo("".join(f"    {line}\n" for line in lines.splitlines()), err=True, nl=False)
    edited = sorted({*changes.edited, *changes.by_hand})
    more = f" and {len(edited) - 1} more" if len(edited) > 1 else ""
    pointers = " ".join((asked.source, *asked.pointers))
    raise ModellingRefused(
        f"{edited[0]}{more} has to change, and was edited or has no tag: nothing was written; apply the patch with "
        f"`{shown_command(f'adopt {pointers}')} | git apply`"
    )


def _write(changes: Changes, asked: Asked) -> None:
    number = counted(len(changes.names), "file")
    if not asked.is_dry_run:
        added, replaced, removed = changes.added, changes.replaced, changes.removed
        change_files(PROJECT, added=added, replaced=replaced, removed=removed, also=_also(asked))
    title = f"Would change {number}" if asked.is_dry_run else f"Changed {number}"
    names = [*changes.added, *changes.replaced, *(f"{name} (removed)" for name in changes.removed)]
    _print(titled_lines(title, names))


def _steps(found: Redesign) -> list[str]:
    is_read_anew = (found.before.key, found.before.version) != (found.after.key, found.after.version)
    if is_read_anew:
        return [shown_command(f"dbt build --full-refresh --select tag:{found.after.source}")]
    return [build_command(found.after)]


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)
