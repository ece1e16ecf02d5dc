"""Models a new source: read all documents, decide, print everything with its evidence, add the files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import click

from loader.declarations import Layout, read_source, source_names
from loader.declared_types import VALUE
from loader.known_sources import is_known
from pipeline.errors import ModellingRefused
from pipeline.modelling.deciding.designing import design as decide
from pipeline.modelling.deciding.references.detection import with_references
from pipeline.modelling.deciding.references.keyed_marts import keyed_marts
from pipeline.modelling.deciding.references.values import different_values
from pipeline.modelling.declaration_patch import diff_lines, fit_to_declaration
from pipeline.modelling.design import Design
from pipeline.modelling.flags import Flags
from pipeline.modelling.next_steps import build_command, load_commands, question_command
from pipeline.modelling.printing import decided_lines, found_lines, no_pattern_lines, titled_lines
from pipeline.modelling.profiling.landed import landed_inputs
from pipeline.modelling.profiling.profile import Profile
from pipeline.modelling.profiling.profiling import profile_inputs
from pipeline.modelling.profiling.reading.inputs import Input, file_inputs
from pipeline.modelling.project_files import plain_files, tagged
from pipeline.modelling.source_names import check_source_name
from pipeline.modelling.staged_files import Also, Comparison, change_files, change_lock, compare, resume_change
from waybill.cli import shown_command
from waybill.settings import PROJECT
from waybill.text import counted


@dataclass(frozen=True)
class Asked:
    """What the user asked for on the command line."""

    source: str
    files: tuple[str, ...]
    flags: Flags
    layout: Layout | None = None
    records_at: str | None = None
    is_from_raw: bool = False
    writes_declaration: bool = False
    is_dry_run: bool = False


def model_source(asked: Asked) -> None:
    """Read all documents, decide, print, and add the files unless it is a dry run.

    Raises:
        ModellingRefused: the name, a flag or the documents do not allow it, or files of the source exist.
        LoaderError: a file cannot be read.
    """
    with change_lock(PROJECT):
        finished = resume_change(PROJECT, _also(asked), is_dry_run=asked.is_dry_run)
        if finished is None:
            _model(asked)
        else:
            click.echo(f"finished what an interrupted run began: {counted(len(finished), 'file')} of {asked.source}")


def _also(asked: Asked) -> Also:
    return Also(f"new {asked.source}")


def _model(asked: Asked) -> None:
    found, design = _decided(asked)
    files = plain_files(design)
    _print([*found_lines(design, found), *decided_lines(design)])
    loads = []
    if not asked.is_from_raw:
        _add(design, tagged(design.source, files), asked)
        loads = load_commands(design, found.files, () if found.left_alone else asked.files)
    elif asked.source in source_names():
        _adopt(design, files, asked)
    else:  # it was declared when it landed, and was removed since
        _add(design, tagged(design.source, files), asked)
        _print(no_pattern_lines(design.source))
    steps = [*loads, build_command(design), question_command(design)]
    _print(["", "Nothing was written"] if asked.is_dry_run else titled_lines("Next", steps))


def _decided(asked: Asked) -> tuple[Profile, Design]:
    """Read the documents and decide. References to marts are looked for if a warehouse is running."""
    with _inputs(asked) as (inputs, left), keyed_marts() as marts:
        found = profile_inputs(inputs, left_alone=left)
        design = decide(found, asked.source, _flags(asked))
        return found, with_references(design, found, marts, partial(different_values, inputs))


def _flags(asked: Asked) -> Flags:
    """Return the flags; what has landed keeps the fields that its declaration names as key and version."""
    if not asked.is_from_raw or asked.source not in source_names():
        return asked.flags
    declared = read_source(asked.source)
    key = () if declared.key == [VALUE] else tuple(declared.key)
    version = declared.version if declared.version.startswith("/") else None
    return replace(asked.flags, key=asked.flags.key or key, version=asked.flags.version or version)


@contextmanager
def _inputs(asked: Asked) -> Iterator[tuple[Sequence[Input], str]]:
    """Give what is read, and what was left alone in folders."""
    is_declared = asked.source in source_names()
    if asked.is_from_raw:
        if not is_declared and not is_known(asked.source):
            raise ModellingRefused(
                f"{asked.source} is not declared, and nothing of it has landed: name its files instead of --from-raw"
            )
        with landed_inputs(asked.source) as landed:
            yield landed, ""
        return
    check_source_name(asked.source)
    if not asked.files:
        raise ModellingRefused(f"name the files or a folder with the documents of {asked.source}, `-` or --from-raw")
    if is_declared:
        click.echo(f"source {asked.source} is declared already: this run compares, and writes nothing", err=True)
    with file_inputs(asked.source, asked.files, asked.layout, asked.records_at) as (files, left):
        yield files, str(left)


def _add(design: Design, files: dict[str, str], asked: Asked) -> None:
    """Add all files, if none of them exists."""
    compared = compare(PROJECT, files)
    if compared.equal or compared.different:
        _refuse(design, compared)
    _write(files, {}, asked)


def _adopt(design: Design, files: dict[str, str], asked: Asked) -> None:
    """Add the files of a source that has landed, and print, or apply, the changes of its declaration and contract."""
    adoption = fit_to_declaration(read_source(asked.source), files)
    changed = adoption.changed
    compared = compare(PROJECT, adoption.added)
    if compared.different or (compared.equal and not (changed and asked.writes_declaration)):
        _refuse(design, compared, "delete its files outside loader/ first, and give the flags that made them")
    generated = {name: text for name, text in adoption.generated.items() if not compare(PROJECT, {name: text}).equal}
    replaced = generated | (changed if asked.writes_declaration else {})
    _write({name: text for name, text in adoption.added.items() if name in compared.new}, replaced, asked)
    if changed and not asked.writes_declaration:
        _print(["", "Changes of the declaration and the contract that the models need", *diff_lines(changed)])
        again = shown_command(f"new {asked.source} --from-raw --write-declaration")
        click.echo(f"\nNot applied: apply them with `{again}`, and the same other options as now")


def _write(files: dict[str, str], replaced: dict[str, str], asked: Asked) -> None:
    number = counted(len(files) + len(replaced), "file")
    if not asked.is_dry_run:
        change_files(PROJECT, added=files, replaced=replaced, removed=(), also=_also(asked))
    title = f"Would write {number}" if asked.is_dry_run else f"Wrote {number}"
    _print(titled_lines(title, [*files, *replaced]))


def _refuse(
    design: Design, compared: Comparison, advice: str = "choose another name, or delete its files first"
) -> None:
    """Print which files would differ, and raise the error that says so."""
    for title, names in (
        ("Would differ", compared.different),
        ("Would be new", compared.new),
        ("Would be the same", compared.equal),
    ):
        _print(titled_lines(title, names) if names else [])
    total = counted(len(compared.new) + len(compared.equal) + len(compared.different), "file")
    raise ModellingRefused(
        f"source {design.source} exists: of {total}, {len(compared.different):,} would differ and "
        f"{len(compared.new):,} would be new; nothing was written: {advice}"
    )


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)
