"""Removes the shipped sample: the files with its tag, and on request what its sources have landed and their tables.

The steps are those of a source: the warehouse first, then the files, all or none. During a git merge, files of the
sample that the other side brings are deleted and their conflicts resolved, and nothing else is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath

import click
from psycopg2 import sql

from loader.declarations import source_names
from loader.raw_files import left_alone
from pipeline.errors import ModellingRefused
from pipeline.modelling.removing import merging
from pipeline.modelling.removing.asked import Asked
from pipeline.modelling.removing.references import SHOWN, references
from pipeline.modelling.removing.source import require_recoverable
from pipeline.modelling.staged_files import Also, change_files, change_lock, resume_change
from waybill.cli import shown_command
from waybill.project.file_tags import SAMPLE, tagged_files
from waybill.settings import PROJECT, get_settings, relative_name
from waybill.text import counted, shown

UNDECLARED = "select distinct source from ledger.batches where source <> all(%s) order by source"
PREDICTIONS = """
select relname, relkind::text
from pg_class
where relnamespace = to_regnamespace('predictions') and relkind in ('r', 'v') and relname = any(%s)
order by relkind desc, relname
"""


def remove_sample(asked: Asked) -> None:
    """Remove the sample as asked, or print what would be removed; do nothing where it is gone.

    Raises:
        ModellingRefused: a file of the user refers to it, or git could not bring a file back.
        NotConfirmed: the user did not confirm it.
    """
    with change_lock(PROJECT):
        side = merging.other_side(PROJECT)
        command = "remove --sample --drop" if asked.drops else "remove --sample"
        again = Also(command, lambda: _dropped(asked, is_repeated=True))
        finished = resume_change(PROJECT, again, is_dry_run=asked.is_dry_run)
        if finished is None:
            _remove(asked, side, Also(command, lambda: _dropped(asked)))
            return
        click.echo(f"finished what an interrupted run began: {counted(len(finished), 'file')} of the sample")
        _conclude(finished, asked, side)


def _remove(asked: Asked, side: str | None, also: Also) -> None:
    names = sorted({*tagged_files(PROJECT, SAMPLE), *(merging.brought_by(PROJECT, side) if side else ())})
    if not names:
        _set_git(asked)
        click.echo(f"nothing to remove: no file of this project belongs to the sample{_drop_advice(asked)}")
        return
    if side is None:
        _require_unreferenced(names)
        require_recoverable(names, asked)
    if asked.drops:
        _confirm_drop(names, asked)
    number = f"{counted(len(names), 'file')} of the sample: {_by_folder(names)}"
    if asked.is_dry_run:
        click.echo(f"would remove {number}")
        return
    change_files(PROJECT, added={}, replaced={}, removed=names, also=also)
    click.echo(f"removed {number}")
    _conclude(names, asked, side)


def _conclude(names: Collection[str], asked: Asked, side: str | None) -> None:
    if side:
        merging.forget(PROJECT, names)
    _set_git(asked)
    _say_what_is_next(side)


def _require_unreferenced(names: Collection[str]) -> None:
    """Raise ModellingRefused if a file of the user uses a source or model of the sample."""
    models = _stems(names, "dbt_project/models", ".sql")
    found = {
        f"{one.file} uses {one.name}"
        for source in _stems(names, "loader/sources", ".yml")
        for one in references(PROJECT, source, names, models)
    }
    if found:
        more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise ModellingRefused(
            f"the sample is in use: {'; '.join(sorted(found)[:SHOWN])}{more}: change or remove these first; "
            "nothing was removed"
        )


def _confirm_drop(names: Collection[str], asked: Asked) -> None:
    from pipeline.modelling.removing.dropping import confirm_drop

    confirm_drop(_sources(names), asked)


@contextmanager
def _dropped(asked: Asked, *, is_repeated: bool = False) -> Iterator[None]:
    """Take the sources of the sample, its models and the predictions of its tasks out of the warehouse, if asked."""
    from pipeline.modelling.removing.dropping import drop_sources

    if asked.drops:
        names = tagged_files(PROJECT, SAMPLE)
        if is_repeated:
            _confirm_drop(names, asked)
        drop_sources(_sources(names), asked)
        _drop_predictions(_stems(names, "ml/tasks", ".yml"))
    yield


def _sources(names: Collection[str]) -> dict[str, list[str]]:
    return dict.fromkeys(_stems(names, "loader/sources", ".yml"), _stems(names, "dbt_project/models", ".sql"))


def _drop_predictions(tasks: Collection[str]) -> None:
    from ml.task import ANSWERS, BY_MODEL
    from warehouse.connection import cursor_of

    with cursor_of("owner") as cursor:
        cursor.execute(PREDICTIONS, [[f"{task}{end}" for task in tasks for end in ("", BY_MODEL, ANSWERS)]])
        for name, kind in cursor.fetchall():
            dropped = sql.SQL("view" if kind == "v" else "table")
            cursor.execute(sql.SQL("drop {} {}").format(dropped, sql.Identifier("predictions", name)))


def _drop_advice(asked: Asked) -> str:
    """Return how to drop what removed sources have landed, if that was asked and something has."""
    from warehouse.connection import cursor_of

    if not asked.drops:
        return ""
    with cursor_of("reader") as cursor:
        cursor.execute(UNDECLARED, [source_names()])
        left = [name for (name,) in cursor.fetchall()]
    command = shown_command("remove SOURCE --drop")
    return f"; `{command}` drops what a removed source has landed: {', '.join(left)}" if left else ""


def _set_git(asked: Asked) -> None:
    """Let git keep the user's files apart from those of the sample in later merges, and say so."""
    if not asked.is_dry_run and (changed := merging.without_renames(PROJECT)):
        click.echo(f"set for this clone, so that merges leave your files alone: git config {', '.join(changed)}")


def _say_what_is_next(side: str | None) -> None:
    if side:
        left = merging.conflicts(PROJECT)
        click.echo(
            f"still in conflict: {shown(', '.join(left[:SHOWN]))}; resolve them, then run `git commit`"
            if left
            else "no conflict is left: `git commit` concludes the merge"
        )
        return
    raw_folder = get_settings().raw_folder
    left_files = left_alone(raw_folder).unmatched if raw_folder.is_dir() else []
    if left_files:
        click.echo(f"{counted(len(left_files), 'file')} in {relative_name(raw_folder)} stay, and no load takes them")
    click.echo(
        f"next: `git commit -a`, then `{shown_command('new NAME FILE')}` for your own JSON. Merge a newer Waybill with "
        f"`git merge`, then run `{shown_command('remove --sample')}` and `git commit`"
    )


def _stems(names: Collection[str], folder: str, suffix: str) -> list[str]:
    """Return the names of the files in a folder, without the suffix."""
    paths = map(PurePosixPath, names)
    return sorted(path.stem for path in paths if path.suffix == suffix and path.is_relative_to(folder))


def _by_folder(names: Collection[str]) -> str:
    counts = Counter(name.partition("/")[0] for name in names)
    return ", ".join(f"{folder} {number}" for folder, number in sorted(counts.items()))
