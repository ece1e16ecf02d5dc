"""A dbt project with the engine's macros and tests, and sources of a test's own choice instead of the sample's models."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import loader.declarations
import waybill.declared.adopting
from pipeline.dbt import sources_files, sources_yml
from tests.support.dbt_command import invoke
from warehouse.dbt_login import DBT_PROJECT, dbt_variables

TESTED = """
models:
  - name: int_{source}_deduplicated
    data_tests:
      - documents_balance: {{name: assert_{source}_balance, arguments: {{source_name: {source}}}}}
      - one_current_document: {{name: assert_{source}_have_one_current_document}}
      - known_withdrawals: {{name: assert_{source}_withdrawals_are_known, arguments: {{source_name: {source}}}}}
      - distinguishable_keys: {{name: assert_{source}_keys_look_different}}
"""


class OwnProject:
    """A project in a temporary folder. `models` maps paths below `models/` to their text."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Copy the engine's part of the dbt project, and declare sources in the folder from now on."""
        self.sources, self.project, self._monkeypatch = folder / "sources", folder / "dbt_project", monkeypatch
        self.sources.mkdir()
        for name in ("SOURCES", "CONTRACTS"):
            monkeypatch.setattr(loader.declarations, name, self.sources)
        monkeypatch.setattr(waybill.declared.adopting, "SOURCES", self.sources)
        shutil.copytree(DBT_PROJECT / "macros", self.project / "macros")
        shutil.copytree(DBT_PROJECT / "tests" / "generic", self.project / "tests" / "generic")
        for name in ("dbt_project.yml", "profiles.yml", "models/_docs.md", "models/_ledger.yml"):
            (self.project / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(DBT_PROJECT / name, self.project / name)
        outcomes = Path("models", "intermediate", "outcomes")
        ignored = shutil.ignore_patterns("int_*")
        shutil.copytree(DBT_PROJECT / outcomes, self.project / outcomes, ignore=ignored)
        monkeypatch.setattr(sources_files, "DBT_PROJECT", self.project)

    def add_source(self, declaration: str, contract: Mapping[str, Any], staging: str) -> None:
        """Declare a source and add its three models."""
        source = declaration.split("source: ")[1].split()[0]
        (self.sources / f"{source}.yml").write_text(declaration)
        (self.sources / f"{source}.schema.json").write_text(json.dumps(contract))
        self.add_models({
            f"staging/stg_{source}.sql": staging,
            f"intermediate/deduplicated/int_{source}_deduplicated.sql":
                f"{{{{ deduplicated_documents(ref('stg_{source}')) }}}}",
            f"intermediate/deduplicated/int_{source}_deduplicated.yml": TESTED.format(source=source),
            f"intermediate/outcomes/int_{source}_outcomes.sql": f"{{{{ source_outcomes('{source}') }}}}",
        })  # fmt: skip

    def add_models(self, models: Mapping[str, str]) -> None:
        """Add files below `models/`, and write the files that dbt reads the declarations from."""
        for name, content in models.items():
            path = self.project / "models" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        sources_yml.write_files()

    def run(self, *arguments: str, on_event: Callable[[Any], None] | None = None) -> Any:
        """Run a dbt command in the project and return its result, failed or not."""
        for name, value in (dbt_variables() | {"DBT_PROFILES_DIR": str(self.project)}).items():
            self._monkeypatch.setenv(name, value)
        return invoke(self.project, *arguments, on_event=on_event)
