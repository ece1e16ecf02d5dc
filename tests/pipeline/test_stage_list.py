"""The list of stages says which stage waits for which, and a mistake in it is one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.errors import StagesBroken
from pipeline.stage_list import read_stages, waiting_for
from pipeline.stages import WORK


def written(tmp_path: Path, *stages: Any) -> Path:
    path = tmp_path / "stages.yml"
    path.write_text(yaml.safe_dump(list(stages)))
    return path


def stage(name: str, *after: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "does": "work", "after": list(after), **more}


def test_every_stage_waits_for_what_it_reads() -> None:
    stages = read_stages()
    assert {stage.name: stage.after for stage in stages} == {
        "load": (),
        "check-raw": ("load",),
        "dbt": ("check-raw",),
        "check-marts": ("dbt",),
        "train": ("check-marts",),
        "score": ("train",),
        "export": ("check-marts",),
        "docs": ("check-marts",),
        "report": ("score", "export", "docs"),
    }
    assert [stage.name for stage in stages if stage.alone] == ["load", "dbt"]
    assert [stage.name for stage in stages if stage.retries] == ["load", "score"]
    assert [stage.name for stage in stages] == list(WORK)


@pytest.mark.parametrize(
    ("failed", "waiting"),
    [
        (["check-raw"], {"dbt", "check-marts", "train", "score", "export", "docs", "report"}),
        (["train"], {"score", "report"}),
        (["export", "docs"], {"report"}),
        (["report"], set()),
        ([], set()),
    ],
)
def test_others_wait_directly_or_through_others(failed: list[str], waiting: set[str]) -> None:
    assert waiting_for(read_stages(), failed) == waiting


@pytest.mark.parametrize(
    ("stages", "wrong"),
    [
        ([stage("load", "lod")], "stage load waits for lod, which is not a stage: did you mean load?"),
        ([stage("load", "x")], "stage load waits for x, which is not a stage: list it, or remove the name"),
        ([stage("load", "load")], "stage load would wait for itself (after: load): remove a name under"),
        (
            [stage("a", "c"), stage("b", "a"), stage("c", "b")],
            "stage a would wait for itself (after: c): remove a name under `after`",
        ),
        ([stage("dbt", "load"), stage("load")], "stage dbt waits for load, which is listed below it: list load first"),
        ([stage("load"), stage("load")], "stage load is listed twice: remove one"),
        ([{"name": "load", "does": "work"}], "stages.0.after is missing; correct it"),
        ([stage("load", befor=["x"])], "stages.0.befor is not a field that can be declared"),
        ([{**stage("load"), "after": "dbt"}], "stages.0.after must be a list, not 'dbt'"),
        ([stage("load", retries="twice")], "stages.0.retries must be true or false, not 'twice'"),
        (["load"], "stages.0 must be a mapping"),
    ],
)
def test_a_mistake_says_what_to_correct(tmp_path: Path, stages: list[Any], wrong: str) -> None:
    with pytest.raises(StagesBroken) as caught:
        read_stages(written(tmp_path, *stages))
    assert str(caught.value).startswith(f"{tmp_path}/stages.yml: {wrong}")


def test_a_file_that_is_no_list_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "stages.yml"
    for content, wrong in {
        "name: load": "must be a list",
        "- [": "is not YAML: line 1: ",
        "": "must be a list",
    }.items():
        path.write_text(content)
        with pytest.raises(StagesBroken, match=wrong):
            read_stages(path)
    with pytest.raises(StagesBroken, match="cannot be read: No such file"):
        read_stages(tmp_path / "none.yml")
