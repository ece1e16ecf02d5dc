"""Runs dbt in this process, with the project's own server, and says what failed in one line."""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from contextlib import chdir, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from pipeline.dbt.results import FAILED, remember_build
from pipeline.errors import DbtFailed
from warehouse.dbt_login import DBT_PROJECT, dbt_variables
from waybill.atomic_files import atomic_file
from waybill.settings import relative_name

MAX_NAMED = 5


def build(*arguments: str) -> tuple[int, str]:
    """Run `dbt build`: balance, then marts, then the guards of the keys; return rows changed in marts and a summary.

    Raises:
        DbtFailed: a model or test failed; what comes after it was not touched.
    """
    results = _invoke(["build", *arguments]).results
    rows = sum(_rows(entry) for entry in results if '"marts"' in (getattr(entry.node, "relation_name", None) or ""))
    count = Counter(entry.node.unique_id.partition(".")[0] for entry in results)
    changed = f"{rows:,} rows of marts written" if rows else "nothing new"
    return rows, f"{changed}; {count['model']} models, {count['test'] + count['unit_test']} tests passed"


def write_docs(target: Path) -> tuple[int, str]:
    """Write dbt's documentation as one page that opens offline; leave it when no model changed.

    Returns how many pages were written, and a summary.

    Raises:
        DbtFailed: dbt could not read the project or the warehouse.
    """
    written = [path for folder in ("models", "macros", "tests") for path in (DBT_PROJECT / folder).rglob("*.*")]
    newest = max(path.stat().st_mtime for path in [*written, DBT_PROJECT / "dbt_project.yml"])
    if target.exists() and target.stat().st_mtime > newest:
        return 0, "nothing new: no model changed"
    _invoke(["docs", "generate", "--static"])
    with atomic_file(target) as partial:
        shutil.copyfile(Path(os.environ.get("DBT_TARGET_PATH", DBT_PROJECT / "target")) / "static_index.html", partial)
    return 1, relative_name(target)


def _invoke(arguments: list[str]) -> Any:
    os.environ.update(dbt_variables())
    from dbt.cli.main import dbtRunner

    with chdir(DBT_PROJECT), redirect_stdout(StringIO()) as said:
        result = dbtRunner().invoke(["--quiet", "--no-use-colors", "--log-level-file", "none", *arguments])
    if isinstance(result.exception, KeyboardInterrupt | OSError):
        raise result.exception  # of which dbt says at length where it was
    sys.stdout.write(said.getvalue())
    if result.exception:
        raise DbtFailed(f"dbt {arguments[0]} stopped: {' '.join(str(result.exception).split())}")
    if arguments[0] == "build":
        remember_build(getattr(result.result, "results", []))
    if not result.success:
        raise DbtFailed(_failures(result.result))
    return result.result


def _failures(result: Any) -> str:
    failed = [entry for entry in result.results if str(entry.status) in FAILED]
    skipped = sum(str(entry.status) == "skipped" for entry in result.results)
    named = "; ".join(f"{entry.node.name}: {' '.join(str(entry.message).split())}" for entry in failed[:MAX_NAMED])
    more = f" and {len(failed) - MAX_NAMED} more" if len(failed) > MAX_NAMED else ""
    return f"{len(failed)} failed: {named}{more}; {skipped} that come after were left untouched"


def _rows(entry: Any) -> int:
    return max(int(entry.adapter_response.get("rows_affected") or 0), 0)
