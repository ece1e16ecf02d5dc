"""A newer Waybill is merged into a project without the sample: only sample files conflict, and one command ends that."""

from __future__ import annotations

import subprocess

import pytest

from tests.house.sample import SAMPLE
from tests.pipeline.modelling.test_git import DOCUMENTS, WHO, change_every_shipped_file, commit, git
from tests.support.own_sources.clone import NewProject

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not SAMPLE, reason="the sample is removed")]

NEW_OF_THE_SAMPLE = ("docs/newly-shipped.md", "loader/sources/trains.yml")
NEW_OF_THE_ENGINE = "waybill/newly_shipped.py"


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> NewProject:
    """A clone without the sample and with a source, and a branch in which all shipped files differ and some are new."""
    project = NewProject(tmp_path_factory.mktemp("merged"))
    git(project, "init", "-q", "-b", "main")
    commit(project, "Waybill")
    git(project, "checkout", "-q", "-b", "newer")
    change_every_shipped_file(project)
    for name, text in zip(
        NEW_OF_THE_SAMPLE, ("<!-- waybill: sample -->\n# New\n", "# waybill: sample\nsource: trains\n"), strict=True
    ):
        (project.folder / name).write_text(text)
    (project.folder / NEW_OF_THE_ENGINE).write_text('"""New."""\n')
    commit(project, "a newer version")
    git(project, "checkout", "-q", "main")
    project.waybill("remove", "--sample")
    commit(project, "only mine")
    project.waybill("new", "notes", project.write("notes.ndjson", DOCUMENTS))
    commit(project, "my own source")
    return project


def merge(project: NewProject) -> list[str]:
    """Merge the newer version, which has to end in conflicts; return the files in conflict."""
    command = ["git", *WHO, "merge", "--no-edit", "newer"]
    ran = subprocess.run(command, cwd=project.folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    return git(project, "diff", "--name-only", "--diff-filter=U").splitlines()


def test_only_files_of_the_sample_conflict(newer: NewProject) -> None:
    own = {name: (newer.folder / name).read_bytes() for name in git(newer, "diff", "--name-only", "HEAD~").splitlines()}
    assert own and not SAMPLE & own.keys()

    conflicts = merge(newer)
    assert conflicts and set(conflicts) <= SAMPLE
    newer.waybill("remove", "--sample")
    git(newer, "commit", "-q", "--no-edit")

    assert git(newer, "status", "--porcelain") == ""
    tracked = set(git(newer, "ls-files").splitlines())
    assert not tracked & {*SAMPLE, *NEW_OF_THE_SAMPLE}
    assert not [name for name in (*SAMPLE, *NEW_OF_THE_SAMPLE) if (newer.folder / name).exists()]
    assert NEW_OF_THE_ENGINE in tracked
    assert {name: (newer.folder / name).read_bytes() for name in own} == own
    assert (newer.folder / "README.md").read_text().startswith("first\n")
    assert git(newer, "log", "-1", "--format=%p").count(" ") == 1, "the last commit is the merge"
