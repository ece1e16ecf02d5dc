"""Runs dbt in this process, in the project's own warehouse, and reports failures in one line."""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import chdir, redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any, TextIO

from loader.declarations import no_source
from loader.landing.raw_tables import make_later_raw_tables
from pipeline.dbt.basis import Basis, current_basis
from pipeline.dbt.failing_rows import FailedTest, failed_tests, print_failed_tests
from pipeline.dbt.last_build import (
    LastBuild,
    changed_sources,
    forget_build,
    only_documents_changed,
    remember_build,
    same_build,
)
from pipeline.dbt.progress import shown_nodes
from pipeline.dbt.results import FAILED, read_build, write_build
from pipeline.dbt.sources_yml import require_current
from pipeline.errors import DbtFailed
from pipeline.openlineage.dbt_events import DbtEvents
from warehouse.dbt_login import DBT_PROJECT, dbt_variables, target_folder
from waybill.atomic_files import atomic_file
from waybill.settings import get_settings, relative_name
from waybill.text import counted

MAX_NAMED_FAILURES = 5
OBEYED = {"DBT_TARGET_PATH", "DBT_LOG_PATH", "DBT_FULL_REFRESH", "DBT_PARTIAL_PARSE"}
WITHOUT_UNIT_TESTS = ("--exclude-resource-type", "unit_test")


def build(*arguments: str) -> tuple[int, str]:
    """Run `dbt build`: the balance of each source, then its marts, then the key guards.

    Returns the number of mart rows written and a summary.

    Raises:
        DeclarationsChanged: the sources that dbt reads differ from the declarations.
        DbtFailed: a model or test failed; the models after it were not touched.
    """
    rows, changed, summary = _summarise(_build(*arguments))
    return rows, f"{changed}; {summary}" if summary else changed


def build_if_changed() -> tuple[int, str]:
    """Build what depends on the sources that have changed since the last success, and check freshness.

    If nothing has changed, dbt is not started: the tests that warned are named again, and sources may have become stale
    since. If more than documents has changed, everything is built.

    Raises:
        DeclarationsChanged, DbtFailed: as `build` raises them.
    """
    require_current()
    _set_variables()
    basis = current_basis()
    refreshes = bool(os.environ.get("DBT_FULL_REFRESH"))
    if not refreshes and (same := same_build(basis)):
        _name_warnings()
        stale = _describe_stale(same.stale_sources)
        return 0, f"nothing has changed since the build of {same.at}; {same.summary}{stale}"
    last = only_documents_changed(basis)
    return _build_all(basis, last, changed_sources(last, basis) if last and not refreshes else [])


def build_and_check_freshness() -> tuple[int, str]:
    """Run `dbt build`, then `dbt source freshness`; stale sources are a warning in the summary.

    Raises:
        DeclarationsChanged, DbtFailed: as `build` raises them.
    """
    _set_variables()
    return _build_all(current_basis())


def _build_all(before: Basis, last: LastBuild | None = None, sources: Sequence[str] = ()) -> tuple[int, str]:
    """Build everything or, if the last build says what depends on the sources that have changed, only that."""
    forget_build()
    readers = sorted({name for source in sources for name in last.readers.get(source, [])}) if last else []
    results = _build(*(WITHOUT_UNIT_TESTS if last else ()), *(["--select", *readers] if readers else []))
    rows, changed, summary = _summarise(results)
    if readers:
        summary += f"; only what depends on {', '.join(sources)}"
        _name_warnings(before=results)
    freshness = _check_freshness()
    if results:
        remember_build(before, results, freshness, summary, last=last, is_partial=bool(readers))
        changed += f"; {summary}"
    return rows, changed + _describe_stale(stale_sources(freshness))


def _name_warnings(before: Sequence[Any] = ()) -> None:
    """Name the tests of earlier builds that warned, but for those that this build has named."""
    named = {entry.node.name for entry in before}
    for test in getattr(read_build(get_settings()), "tests", []):
        if test.status == "warn" and test.name not in named:
            print(test.message)


def _build(*arguments: str) -> list[Any]:
    require_current()
    make_later_raw_tables()
    return list(_invoke(["build", *arguments]).results)


def _summarise(results: list[Any]) -> tuple[int, str, str]:
    """Return the number of mart rows written, what has changed, and what was built and tested."""
    if reason := None if results else no_source():
        return 0, f"no model: {reason}", ""
    rows = sum(_rows(entry) for entry in results if '"marts"' in (getattr(entry.node, "relation_name", None) or ""))
    count = Counter(entry.node.unique_id.partition(".")[0] for entry in results)
    changed = f"{counted(rows, 'row')} of marts written" if rows else "nothing new"
    warned = [entry for entry in results if str(entry.status) == "warn"]
    passed = count["test"] + count["unit_test"] - len(warned)
    warnings = f"; warning: {counted(sum(entry.failures for entry in warned), 'row')} named above" if warned else ""
    return rows, changed, f"{count['model']} models, {passed} tests passed{warnings}"


def _check_freshness() -> list[Any]:
    return list(_invoke(["source", "freshness", "--no-write-json"], may_fail=True).results)


def stale_sources(results: list[Any]) -> list[str]:
    """Return the sources that `dbt source freshness` found stale: too long without a new batch, or never loaded."""
    return sorted(entry.node.name for entry in results if str(entry.status) in ("warn", "error"))


def _describe_stale(names: list[str]) -> str:
    return f"; warning: no new documents for longer than declared: {', '.join(names)}" if names else ""


def parse() -> Any:
    """Return dbt's manifest of the project: its nodes, and what each of them reads.

    Raises:
        DbtFailed: dbt could not read the project.
    """
    return _invoke(["parse"])


def write_docs(target: Path) -> tuple[int, str]:
    """Write dbt's documentation as one page that opens offline.

    Returns the number of pages written and a summary.

    Raises:
        DbtFailed: dbt could not read the project or the warehouse.
    """
    _invoke(["docs", "generate", "--static"])
    with atomic_file(target) as partial:
        shutil.copyfile(target_folder() / "static_index.html", partial)
    return 1, relative_name(target)


def _invoke(arguments: list[str], *, may_fail: bool = False) -> Any:
    _set_variables()
    from dbt.cli.main import dbtRunner

    options = ["--quiet", "--no-use-colors", "--log-level-file", "none"]
    with DbtEvents(arguments[0]) as events, shown_nodes(arguments[0]) as show, chdir(DBT_PROJECT):
        runner = dbtRunner(callbacks=[partial(_repeat_printed, sys.stdout), show, *events.callbacks])
        with redirect_stdout(StringIO()):  # what dbt prints is repeated below, shorter
            result = runner.invoke([*options, *arguments])
        results = events.keep(result.result)
    if isinstance(result.exception, KeyboardInterrupt | OSError):
        raise result.exception  # dbt has printed a long traceback, which nobody needs
    if result.exception:
        raise DbtFailed(f"dbt {arguments[0]} stopped: {' '.join(str(result.exception).split())}")
    tests = failed_tests(results) if arguments[0] == "build" else []
    if arguments[0] == "build":
        write_build(results, tests, keep_others=tuple(arguments[1:3]) == WITHOUT_UNIT_TESTS)
        print_failed_tests(tests)
    if not result.success and not may_fail:
        raise DbtFailed(_failures(results, tests))
    return result.result


def _repeat_printed(output: TextIO, event: Any) -> None:
    """Print what a macro prints, such as which table is rebuilt and why."""
    if event.info.name == "PrintEvent":
        print(event.info.msg, file=output, flush=True)


def _set_variables() -> None:
    """Keep only those of dbt's variables that may change a stage: no other project, no fewer rows, models or tests."""
    for name in [name for name in os.environ if name.startswith("DBT_")]:
        if name not in OBEYED and not name.startswith("DBT_ENV_"):
            del os.environ[name]
    os.environ.update(dbt_variables())


def _failures(results: list[Any], tests: list[FailedTest]) -> str:
    """Return one line: what failed, without the rows, which are printed before it."""
    headings = {test.name: f"{test.name}: {counted(test.rows, 'row')}" for test in tests}
    failed = [entry for entry in results if str(entry.status) in FAILED]
    skipped = sum(str(entry.status) == "skipped" for entry in results)
    names = "; ".join(
        headings.get(entry.node.name) or f"{entry.node.name}: {' '.join(str(entry.message).split())}"
        for entry in failed[:MAX_NAMED_FAILURES]
    )
    more = f" and {len(failed) - MAX_NAMED_FAILURES} more" if len(failed) > MAX_NAMED_FAILURES else ""
    return f"{len(failed)} failed: {names}{more}; {skipped} that depend on them were left untouched"


def _rows(entry: Any) -> int:
    return max(int(entry.adapter_response.get("rows_affected") or 0), 0)
