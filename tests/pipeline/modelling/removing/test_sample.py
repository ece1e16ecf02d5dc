"""`waybill remove --sample`: exactly the tagged files, all or none, and during a git merge."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from loader.raw_files import LeftAlone
from pipeline.errors import ModellingRefused
from pipeline.modelling.removing import sample, source
from pipeline.modelling.removing.asked import Asked
from pipeline.modelling.removing.sample import remove_sample
from waybill.settings import PROJECT

TAG = "# waybill: sample"
DECLARATION, RAW_YML = "loader/sources/birds.yml", "dbt_project/models/staging/_raw_birds.yml"
CLAIM, CLAIMED = "data/sample/build.py", "data/raw/birds.json"
MODEL, CONTRACT = "dbt_project/models/marts/birds.sql", "loader/contracts/birds.schema.json"
SHIPPED = {
    DECLARATION: f"{TAG}, with {RAW_YML}\nsource: birds\n",
    RAW_YML: "version: 2\n",
    CLAIM: f"{TAG}, with {CLAIMED}\n",
    CLAIMED: "[]\n",
    MODEL: "-- waybill: sample\nselect 1\n",
    CONTRACT: '{\n  "$comment": "waybill: sample",\n  "type": "object"\n}\n',
}
KEPT = {"engine.py": "one = 1\n", "pipeline/__init__.py": "", "loader/sources/cafes.yml": "source: cafes\n"}


def git(folder: Path, *arguments: str, fails: bool = False) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.invalid"]
    ran = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert fails == (ran.returncode != 0), ran.stdout + ran.stderr
    return ran.stdout


def write(project: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)


def commit(project: Path, files: dict[str, str]) -> None:
    write(project, files)
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "a change")


def files_in(project: Path) -> set[str]:
    paths = (path for path in project.rglob("*") if path.is_file())
    return {str(path.relative_to(project)) for path in paths if ".git" not in path.parts}


AT_ONCE = """
import sys
from pathlib import Path
from pipeline.modelling.removing import sample, source
from pipeline.modelling.removing.asked import Asked
sample.PROJECT = source.PROJECT = Path(sys.argv[1])
sample.remove_sample(Asked())
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a sample, committed on the branch `main`; `upstream` is at the same commit."""
    for module in (sample, source):
        monkeypatch.setattr(module, "PROJECT", tmp_path)
    monkeypatch.setattr(sample, "left_alone", lambda folder: LeftAlone())
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    commit(tmp_path, SHIPPED | KEPT)
    git(tmp_path, "branch", "upstream")
    return tmp_path


@pytest.fixture
def without_sample(project: Path) -> Path:
    remove_sample(Asked())
    commit(project, {})
    return project


def release(project: Path, files: dict[str, str], *deleted: str) -> None:
    """Commit a newer version on the branch `upstream`."""
    git(project, "switch", "--quiet", "upstream")
    for name in deleted:
        (project / name).unlink()
    commit(project, files)
    git(project, "switch", "--quiet", "main")


def test_tagged_and_claimed_files_go_and_all_others_stay(project: Path) -> None:
    remove_sample(Asked())
    assert files_in(project) == set(KEPT)


def test_a_second_run_says_that_there_is_nothing_to_do(
    without_sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    remove_sample(Asked())
    assert capsys.readouterr().out == "nothing to remove: no file of this project belongs to the sample\n"


def test_a_dry_run_changes_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remove_sample(Asked(is_dry_run=True))
    assert files_in(project) == set(SHIPPED | KEPT)
    assert capsys.readouterr().out == "would remove 6 files of the sample: data 2, dbt_project 2, loader 2\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dbt_project/models/marts/nests.sql", "select * from {{ ref('birds') }}\n"),
        ("ml/tasks/singing.yml", "task: singing\ntable: birds\n"),
        ("loader/sources/nests.yml", "source: nests\nreferences: [{field: /bird, refers_to: birds}]\n"),
        ("expectations/context/assets/nests.yml", "edge: marts\nquery: select from marts.birds\n"),
    ],
)
def test_a_file_of_the_user_that_needs_the_sample_is_named(project: Path, name: str, text: str) -> None:
    commit(project, {name: text})
    with pytest.raises(ModellingRefused, match=f"the sample is in use: {name} uses birds: "):
        remove_sample(Asked())
    assert files_in(project) == {*SHIPPED, *KEPT, name}


def test_what_git_could_not_bring_back_needs_force(project: Path) -> None:
    write(project, {MODEL: "-- waybill: sample\nselect 2\n"})
    with pytest.raises(ModellingRefused, match=f"{MODEL}: git could not bring back"):
        remove_sample(Asked())
    assert files_in(project) == set(SHIPPED | KEPT)
    remove_sample(Asked(is_forced=True))
    assert files_in(project) == set(KEPT)


def test_a_file_whose_tag_was_deleted_is_the_users(project: Path) -> None:
    commit(project, {MODEL: "select 1\n", DECLARATION: "source: birds\n"})
    remove_sample(Asked())
    assert files_in(project) == {*KEPT, MODEL, DECLARATION, RAW_YML}


def test_a_newer_version_merges_into_a_project_without_sample(without_sample: Path) -> None:
    new = "dbt_project/models/marts/nests.sql"
    newer = {
        MODEL: "-- waybill: sample\nselect 2\n",
        CLAIMED: "[1]\n",  # in conflict, and claimed by a file that is not
        new: "-- waybill: sample\nselect 3\n",
        "engine.py": "one = 2\n",
    }
    release(without_sample, newer)
    git(without_sample, "merge", "--no-edit", "upstream", fails=True)
    conflicts = git(without_sample, "diff", "--name-only", "--diff-filter=U").split()
    assert set(conflicts) == {MODEL, CLAIMED}
    remove_sample(Asked())
    git(without_sample, "commit", "--no-edit")
    assert files_in(without_sample) == set(KEPT)
    assert git(without_sample, "status", "--porcelain") == ""
    assert (without_sample / "engine.py").read_text() == "one = 2\n"


def test_a_merge_keeps_the_conflicts_of_other_files(without_sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commit(without_sample, {"engine.py": "one = 3\n"})
    release(without_sample, {"engine.py": "one = 2\n", MODEL: "-- waybill: sample\nselect 2\n"})
    git(without_sample, "merge", "--no-edit", "upstream", fails=True)
    remove_sample(Asked())
    assert "still in conflict: engine.py; resolve them, then run `git commit`" in capsys.readouterr().out
    assert git(without_sample, "diff", "--name-only", "--diff-filter=U") == "engine.py\n"
    assert "<<<<<<<" in (without_sample / "engine.py").read_text()


def test_a_merge_keeps_what_the_user_took_over(project: Path) -> None:
    mine = {MODEL: "select 1 as mine\n"}
    commit(project, mine)
    remove_sample(Asked())
    commit(project, {})
    release(project, {CONTRACT: '{\n  "$comment": "waybill: sample",\n  "type": "array"\n}\n'})
    git(project, "merge", "--no-edit", "upstream", fails=True)
    remove_sample(Asked())
    assert files_in(project) == {*KEPT, MODEL}


def test_a_kill_between_files_and_index_is_finished(without_sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release(without_sample, {MODEL: "-- waybill: sample\nselect 2\n"})
    git(without_sample, "merge", "--no-edit", "upstream", fails=True)
    with monkeypatch.context() as patched:
        patched.setattr("pipeline.modelling.removing.merging.forget", lambda *_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            remove_sample(Asked())
    remove_sample(Asked())
    git(without_sample, "commit", "--no-edit")
    assert files_in(without_sample) == set(KEPT)


def test_of_two_removals_at_once_the_second_finds_nothing(project: Path) -> None:
    command = [sys.executable, "-c", AT_ONCE, str(project)]
    both = [subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = sorted(one.communicate()[0] for one in both)
    assert [one.returncode for one in both] == [0, 0]
    assert "nothing to remove" in outputs[0] and outputs[1].startswith(f"removed {len(SHIPPED)} files of the sample")
