"""Deletes the files that runs made and that can hold values of rows; the next run makes them again.

Each kind of file is named by the module that writes it. Files that Waybill did not make are never deleted: those that
hold a key are named.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import psutil

from expectations.project import data_docs_folder, validations_folder
from pipeline.alerts.memory import memory_path
from pipeline.backups.project_files import project_files
from pipeline.dbt.docs_page import DOCS_PAGE
from pipeline.dbt.results import results_path
from pipeline.erasing.holding import Patterns, pattern_of
from pipeline.export.export import exported_files
from pipeline.model_card.page import PAGE as MODEL_CARD
from pipeline.openlineage.journal import journal_folder
from pipeline.report.page import PAGES
from pipeline.run_record import record_path
from warehouse.dbt_login import DBT_PROJECT, DBT_WRITES, target_folder
from waybill.atomic_files import UNFINISHED
from waybill.settings import PROJECT, Settings, relative_name

CERTIFICATES = "erasures"  # below the reports; certificates hold no values
PARTS = ".*.parts"  # unfinished exports, see `waybill.atomic_files`
BLOCK = 1 << 20
LOG = re.compile(r".*\.log([.-](\d+|old))*(?P<compressed>\.(gz|bz2|xz|zst))?")  # also one that logrotate has renamed


def output_files(settings: Settings) -> dict[str, list[Path]]:
    """Return kind → the files and folders of it that exist."""
    reports, processed = settings.reports_folder, settings.processed_folder
    kinds: Mapping[str, Iterable[Path]] = {
        "validation results and lists of failing rows": [validations_folder(settings)],
        "Data Docs": [data_docs_folder(settings)],
        "report pages and dbt docs": [reports / name for name in (*PAGES, MODEL_CARD, DOCS_PAGE)],
        "cleaned documents": [*exported_files(processed), *processed.glob(PARTS)],
        "dbt's artefacts": _inside(target_folder()),
        "dbt's logs": _logs_folder().glob("*.log*"),
        "lineage events": reports.glob(f"{settings.openlineage_file.name}*"),
        "what runs remember": [record_path(settings), results_path(settings), memory_path(settings)],
        "logs of Airflow's tasks": (settings.state_folder / "airflow" / "logs").glob("*"),
        "journals of killed processes": journal_folder(settings).glob(f"{settings.pgdatabase}-*.open"),
        "logs of background processes": _logs(settings.state_folder, "*/*.log*"),
        "logs of scheduled runs": _logs(settings.state_folder, "*.log*"),
        "unfinished files of killed processes": _unfinished(settings),
    }
    return {
        kind: found for kind, paths in kinds.items() if (found := [path for path in paths if os.path.lexists(path)])
    }


def delete_outputs(settings: Settings) -> dict[str, int]:
    """Delete them; return kind → the number of files."""
    return {kind: sum(map(_delete, paths)) for kind, paths in output_files(settings).items()}


def files_holding(settings: Settings, keys: Iterable[str]) -> list[Path]:
    """Return the files that hold one of the keys as text: in Waybill's folders, such as notes, and in the project."""
    patterns = pattern_of(wanted := list(keys))
    overlap = max((4 * len(key) for key in wanted), default=0)  # in bytes, at most
    folders = [settings.reports_folder, settings.processed_folder, settings.models_folder, PROJECT / "notebooks"]
    files = {*_files(folders), *project_files().values()} if any(patterns) else set()
    return [path for path in sorted(files) if _holds(path, patterns, overlap=overlap)]


def histories_kept(settings: Settings) -> list[str]:
    """Return a sentence for each program whose own database exists: it may hold a key that somebody typed there."""
    folders = {"pgAdmin": settings.state_folder / "pgadmin", "Airflow": settings.state_folder / "airflow"}
    return [
        f"{relative_name(folder)}, where {program} keeps what was typed: delete it if that was an erased key"
        for program, folder in folders.items()
        if folder.is_dir()
    ]


def names_for_certificate(files: Iterable[Path], keys: Iterable[str]) -> list[str]:
    """Return the names of those that are part of the project, unless the name itself holds a key."""
    _, in_text = pattern_of(keys)
    of_project = {path: name for name, path in project_files().items()}
    names = [of_project[path] for path in files if path in of_project]
    return [name for name in names if in_text is None or not in_text.search(os.fsencode(name))]


def _inside(folder: Path) -> list[Path]:
    """Return what dbt has written, if the folder is its own: it has a manifest or what a first parse leaves."""
    is_dbts = any((folder / name).exists() for name in ("manifest.json", "partial_parse.msgpack", "run_results.json"))
    return [folder / name for name in DBT_WRITES] if is_dbts else []


def _logs_folder() -> Path:
    return DBT_PROJECT / (os.environ.get("DBT_LOG_PATH") or "logs")


def _logs(folder: Path, pattern: str) -> list[Path]:
    return [path for path in folder.glob(pattern) if LOG.fullmatch(path.name)]


def _unfinished(settings: Settings) -> Iterator[Path]:
    """Yield the temporary files beside their targets whose processes were killed."""
    state = settings.state_folder
    made = [settings.reports_folder, settings.processed_folder, settings.models_folder]
    for folder, below in [*((one, "**/") for one in made), (state, ""), (state, "*/")]:
        for path in folder.glob(f"{below}.*{UNFINISHED}"):
            process_id = path.name.removesuffix(UNFINISHED).rpartition(".")[2]
            if process_id.isdecimal() and not psutil.pid_exists(int(process_id)):
                yield path


def _delete(path: Path) -> int:
    if path.is_dir() and not path.is_symlink():
        number = sum(one.is_file() for one in path.rglob("*"))
        shutil.rmtree(path)
        return number
    log = LOG.fullmatch(path.name)
    if log and not log["compressed"]:  # a process may have it open, and continues to write to it
        os.truncate(path, 0)
    else:
        path.unlink(missing_ok=True)
    return 1


def _files(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and CERTIFICATES not in path.parts:
                yield path


def _holds(path: Path, patterns: Patterns, *, overlap: int) -> bool:
    anywhere, in_text = patterns
    before = b""
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                pattern = anywhere if b"\0" in block else in_text
                if pattern and pattern.search(before + block):
                    return True
                before = block[-overlap:]
    except OSError:
        return False
    return False
