"""The written SQL passes the linter with the project's own rules, as `make lint` runs it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from loader.declared_types import VALUE
from pipeline.modelling.deciding.designing import design
from pipeline.modelling.flags import Flags
from pipeline.modelling.project_files import project_files
from tests.pipeline.modelling.deciding.plain_profiles import profiled
from waybill.settings import PROJECT


def document(number: int, fields: int) -> dict[str, Any]:
    return {
        "id": f"k{number}",
        "updated_at": f"2020-01-01T00:00:{number:02}Z",
        "order": {"select": number, "userId": "a", "user_id": "b", "it's": "q", "": "x", "{{ jinja }}": number},
        "grades": [{"grade": "A", "score": number, "marks": [1, 2.5]}],
        "matrix": [[1, 2], [3]],
        "mixed": number if number % 2 else "x",
        "prices": {f"2021-{(number + month) % 12 + 1:02}-01": month for month in range(2)},
        "_id": {"$oid": f"{number:024x}"},
        **{f"a_long_name_of_a_field_number_{field}_of_many": number * field for field in range(fields)},
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "fields"), [(Flags(), 60), (Flags(key=(VALUE,), is_dimension=True), 0)], ids=["wide", "dimension"]
)
def test_written_sql_passes_the_linter(flags: Flags, fields: int, tmp_path: Path) -> None:
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    shutil.copytree(PROJECT / "dbt_project" / "macros", tmp_path / "dbt_project" / "macros")
    made = design(profiled([document(number, fields) for number in range(40)]), "things", flags)
    for name, content in project_files(made).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    command = [sys.executable, "-m", "sqlfluff", "lint", "dbt_project/models", "--disable-progress-bar"]
    linted = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (linted.returncode, linted.stdout.strip()) == (0, "All Finished!"), linted.stdout
    assert "Skipping" not in linted.stderr
    longest = max(path.stat().st_size for path in tmp_path.rglob("stg_*.sql"))
    assert (longest > 20_000) == (fields > 0)  # bytes of a file that sqlfluff skips unless it is configured
