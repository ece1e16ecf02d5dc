"""Finishes an erasure, step by step. Each step can be repeated: after a kill, all are, and the erasure then completes.

1. Each known backup learns what was erased, so that restoring it erases the same again. Interrupted ones go.
2. dbt takes it to the marts; the rows that tasks learn from were remembered before, as hashes.
3. Predictions and answers of the rows go, and models that had learnt them are marked, refused or replaced.
4. Files that runs made are deleted.
5. Tables and statistics are rewritten, and the embedded server's old log files removed.
6. A count shows that nothing is left; the certificate says so, and the erasure is complete.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import click

from ml.erasing.before import forget_before, read_before
from ml.erasing.erase import Erasure, erase_from_models
from ml.erasing.report import ErasedFromModels
from ml.erasing.retraining import retrain
from pipeline.backups.folders import ERASURES
from pipeline.backups.making.destination import pipe_log_folder
from pipeline.erasing.building import build_downstream
from pipeline.erasing.finishing.backup_logs import log_in_backups, remove_interrupted
from pipeline.erasing.finishing.certificate import certify
from pipeline.erasing.finishing.erasure import Erasing
from pipeline.erasing.finishing.outputs import delete_outputs, files_holding, histories_kept, names_for_certificate
from pipeline.erasing.finishing.pages import clean_server, rewrite_pages
from pipeline.erasing.finishing.verifying import verify
from pipeline.erasing.outside import relations_outside
from pipeline.errors import EraseIncomplete, NotRetrained
from warehouse.connection import connect
from waybill.cli import shown_command
from waybill.errors import WaybillError
from waybill.settings import get_settings, relative_name
from waybill.text import console, counted

SHOWN = 3


def finish(erasing: Erasing) -> Path:
    """Take all steps and print each; return the path of the certificate.

    Raises:
        EraseIncomplete: a step failed. The documents are erased from the raw tables, and the next erase continues.
        NotRetrained: all steps succeeded, but a new model could not be trained.
    """
    with closing(connect("owner")) as owner, owner:
        erasing.outside = relations_outside(owner, erasing.lineage, erasing.downstream)
    before = read_before(erasing.erasure_id, erasing.marts)
    step = partial(_step, erasing)
    step("backups", lambda _: _log_in_backups(erasing))  # 1.
    step("dbt", lambda _: build_downstream(erasing.lineage, erasing.downstream, erasing.outside)[1])  # 2.
    order = Erasure(erasing.erasure_id, erasing.marts, erasing.policy, tuple(erasing.keys))
    step("models", lambda _: _erase_from_models(erasing, erase_from_models(order, before)))  # 3.
    step("files", lambda _: _delete_outputs(erasing))  # 4.
    step("tables", lambda progress: rewrite_pages(erasing, progress))  # 5.
    step("server", lambda _: clean_server(erasing))
    step("check", lambda _: verify(erasing))  # 6.
    if erasing.not_trained:
        raise NotRetrained(_describe(erasing, "; ".join(erasing.not_trained)))
    certificate = certify(erasing)
    forget_before(erasing.erasure_id)
    return certificate


def _step(erasing: Erasing, name: str, work: Callable[[Callable[[str], None]], str]) -> None:
    """Take one step, print its name, time and summary; a spinner shows on a terminal what it does."""
    started = time.monotonic()
    try:
        with console(stderr=True).status(f"{name} …") as status:
            summary = work(lambda what: status.update(f"{name}: {what}"))
    except WaybillError as error:
        incomplete = EraseIncomplete(_describe(erasing, str(error)))
        incomplete.is_transient = error.is_transient
        raise incomplete from error
    click.echo(f"{name:<12} {time.monotonic() - started:>6.1f} s   {summary}")


def _describe(erasing: Erasing, problem: str) -> str:
    return (
        f"{problem}; the raw tables have none of the documents any more, but the erasure {erasing.erasure_id} of "
        f"{erasing.source} is not complete: when this is fixed, `{shown_command('erase')}` continues it"
    )


def _log_in_backups(erasing: Erasing) -> str:
    erasing.found["interrupted_backups_deleted"] = len(remove_interrupted())
    summary, problems, piped = log_in_backups()
    if problems:  # the command names them at its end
        erasing.left_to_others.append(f"{counted(len(problems), 'folder')} of backups could not be written to")
    if piped:
        log = relative_name(pipe_log_folder(get_settings()) / ERASURES)
        named = ", ".join(piped[:SHOWN]) + (f" and {len(piped) - SHOWN} more" if piped[SHOWN:] else "")
        erasing.left_to_others.append(
            f"{counted(len(piped), 'backup')} written to a pipe ({named}): keep a copy of {log}, which a "
            f"restore needs to erase again, or delete them and then `{shown_command('backup --forget NAME')}`"
        )
    return summary


def _erase_from_models(erasing: Erasing, report: ErasedFromModels) -> str:
    """Train again if the policy says so; return a summary.

    A task that cannot be trained does not keep the other steps from being taken; its marked models are refused.
    """
    erasing.found |= report.as_json()
    rows = sum(report.deleted.values())
    summary = f"{counted(rows, 'prediction')} deleted, {counted(len(report.models), 'model')} had learnt erased rows"
    if erasing.policy != "retrain":
        return summary
    retrained = retrain(report.tasks)
    erasing.not_trained = retrained.failed
    erasing.found["retrained"] = retrained.done
    return "; ".join([summary, *retrained.done, *retrained.failed])


def _delete_outputs(erasing: Erasing) -> str:
    deleted = erasing.found["files_deleted"] = delete_outputs(get_settings())
    files = files_holding(get_settings(), erasing.keys)
    names = names_for_certificate(files, erasing.keys)
    erasing.left_to_others += [f"{name}, a file of the project, holds an erased key" for name in names]
    erasing.left_to_others += histories_kept(get_settings())
    erasing.files = [path for path in files if relative_name(path) not in names]
    return f"{counted(sum(deleted.values()), 'file')} deleted; the next run makes them again"
