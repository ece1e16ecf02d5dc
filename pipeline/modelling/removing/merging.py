"""The shipped sample in a git merge: a newer version may bring files of it again, in a project that has removed it.

A file of the sample that both sides know is deleted here and perhaps changed there: a conflict. One that is new comes
in without a conflict. Both are deleted, and taken out of the index, so that `git commit` concludes the merge.

git would take a user's file for a deleted file of the sample that is similar, as if it had been renamed, and apply the
newer version's changes to it. So this clone is set to merge without looking for renames.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from waybill.project.file_tags import SAMPLE, SUFFIXES, read_tag

OTHER_SIDES = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REBASE_HEAD")
# git before 2.50 takes note of the first one only with the strategy that the second one chooses
WITHOUT_RENAMES = {"merge.renames": "false", "pull.twohead": "recursive"}


def other_side(project: Path) -> str | None:
    """Return the name of the commit that is being merged; None if there is no merge, or no git."""
    return next((name for name in OTHER_SIDES if _lines(project, "rev-parse", "--quiet", "--verify", name)), None)


def without_renames(project: Path) -> list[str]:
    """Set this clone to merge without looking for renames, and return the settings that are new; none without git."""
    if not _lines(project, "rev-parse", "--git-dir"):
        return []
    changed = []
    for name, value in WITHOUT_RENAMES.items():
        if _lines(project, "config", "--get", name) != [value]:
            _output(project, "config", name, value)
            changed.append(f"{name}={value}")
    return changed


def brought_by(project: Path, side: str) -> set[str]:
    """Return the sample's files of the other side that this side does not have: they are in conflict, or new.

    Their tags are read from the other side, because a file may be claimed by one that is not in the working tree.
    """
    found: set[str] = set()
    for line in _lines(project, "grep", "-I", "--null", "--no-color", "--fixed-strings", "waybill: sample", side):
        name, _, text = line.removeprefix(f"{side}:").partition("\0")
        tag = read_tag(text) if name.endswith(SUFFIXES) else None
        if tag is not None and tag.owner == SAMPLE:
            found |= {name, *tag.others}
    ours = set(_names(project, "ls-tree", "-r", "-z", "--name-only", "HEAD"))
    return found & set(_names(project, "ls-files", "-z")) - ours


def forget(project: Path, names: Iterable[str]) -> None:
    """Take files out of git's index, which also resolves their conflicts; files that it does not have are skipped.

    Raises:
        OSError, subprocess.CalledProcessError: git cannot write its index.
    """
    command = ["git", "--literal-pathspecs", "rm", "--cached", "--force", "--quiet", "--ignore-unmatch"]
    subprocess.run(
        [*command, "--pathspec-from-file=-", "--pathspec-file-nul"],
        cwd=project,
        input="\0".join(names).encode(),
        stdout=subprocess.DEVNULL,
        check=True,
    )


def conflicts(project: Path) -> list[str]:
    """Return the files that are still in conflict."""
    return sorted(set(_names(project, "diff", "--relative", "--name-only", "--diff-filter=U", "-z")))


def _names(project: Path, *arguments: str) -> list[str]:
    return [name for name in _output(project, *arguments).split("\0") if name]


def _lines(project: Path, *arguments: str) -> list[str]:
    return _output(project, *arguments).splitlines()


def _output(project: Path, *arguments: str) -> str:
    """Return what git prints; nothing if there is no git, or it fails."""
    try:
        ran = subprocess.run(["git", *arguments], cwd=project, capture_output=True, check=False)
    except OSError:
        return ""
    return ran.stdout.decode("utf-8", "surrogateescape") if ran.returncode == 0 else ""
