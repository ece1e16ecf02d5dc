"""A source that other files use is not removed; its own files are found by tag, or by declaration and exact names."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import ModellingRefused
from pipeline.modelling.project_files import plain_files, project_files
from pipeline.modelling.removing.git_state import uncommitted
from pipeline.modelling.removing.owned_files import OwnedFiles
from pipeline.modelling.removing.references import require_unreferenced
from tests.support.own_sources.designs import restaurants
from waybill.project.file_tags import with_source_tag

USES = {
    "dbt_project/models/marts/fct_visits.sql": "select * from {{ ref('fct_restaurants') }}",
    "dbt_project/models/marts/fct_visits.yml": "    meta: {refers_to: fct_restaurants}",
    "dbt_project/models/fct_raw.sql": "select * from {{ source('raw', 'restaurants') }}",
    "dbt_project/models/_exposures.yml": "    depends_on:\n      - ref('fct_restaurants_grades')",
    "dbt_project/tests/assert_grades.sql": "select * from marts.fct_restaurants_grades",
    "dbt_project/macros/mine.sql": "{{ source_declaration('restaurants') }}",
    "ml/tasks/closing.yml": "task: closing\ntable: fct_restaurants\n",
    "expectations/context/assets/mine.yml": "edge: marts\nsource: restaurants\nquery: select 1\n",
    "loader/sources/bars.yml": "carried:\n  fct_restaurants:\n    name: /name\n",
}
NO_USES = {
    "dbt_project/models/marts/fct_bars.sql": "select restaurants, 'restaurants' from fct_restaurants_of_others -- fct_restaurants",
    "dbt_project/models/marts/fct_bars.yml": 'description: "as in fct_restaurants"\ncolumns:\n  - name: restaurants',
    "ml/tasks/closing.yml": "task: restaurants\ntable: fct_bars\n",
    "loader/sources/bars.yml": "description: restaurants\ntopic: restaurants\n",
}


def write(project: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("name", USES)
def test_each_use_is_named_with_its_file(tmp_path: Path, name: str) -> None:
    write(tmp_path, {**project_files(restaurants()), name: with_source_tag(name, USES[name], "bars")})
    owned = OwnedFiles(tmp_path, "restaurants")
    with pytest.raises(ModellingRefused, match=f"restaurants is in use: source bars: {name} uses (fct_)?restaurants"):
        require_unreferenced(tmp_path, "restaurants", owned.names, owned.models)


def test_other_words_are_no_use(tmp_path: Path) -> None:
    write(tmp_path, {**project_files(restaurants()), **NO_USES})
    owned = OwnedFiles(tmp_path, "restaurants")
    require_unreferenced(tmp_path, "restaurants", owned.names, owned.models)


def test_files_without_tags_are_found_by_their_names(tmp_path: Path) -> None:
    files = plain_files(restaurants())
    similar = plain_files(replace(restaurants(), source="restaurants_more"))
    write(tmp_path, {**files, **similar})
    assert OwnedFiles(tmp_path, "restaurants").names == sorted(files)


def test_tagged_files_are_found_wherever_they_are(tmp_path: Path) -> None:
    files = project_files(restaurants())
    moved = {
        f"dbt_project/models/mine/{Path(name).name}" if name.endswith(".sql") else name: files[name] for name in files
    }
    write(tmp_path, moved)
    assert OwnedFiles(tmp_path, "restaurants").names == sorted(moved)


def test_a_contract_of_two_sources_belongs_to_neither(tmp_path: Path) -> None:
    declared = "source: {}\ncontract: shared.schema.json\n"
    write(tmp_path, {f"loader/sources/{name}.yml": declared.format(name) for name in ("bars", "pubs")})
    write(tmp_path, {"loader/contracts/shared.schema.json": "{}"})
    assert OwnedFiles(tmp_path, "bars").names == ["loader/sources/bars.yml"]


def test_git_names_what_it_could_not_bring_back(tmp_path: Path) -> None:
    assert uncommitted(tmp_path, ["a"]) is None
    folder = tmp_path / "project"  # below the top of the repository
    write(folder, dict.fromkeys(("committed", "changed", "gone", "ignored"), "1\n") | {".gitignore": "ignored\n"})
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    for arguments in (("init", "-q"), ("add", "-A"), (*who, "commit", "-qm", "all")):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    write(folder, {"changed": "2\n", "new": "1\n"})
    (folder / "gone").unlink()
    names = ["committed", "changed", "gone", "ignored", "new"]
    assert uncommitted(folder, names) == ["changed", "ignored", "new"]
