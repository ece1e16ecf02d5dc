"""Verifies a model: computes again what its manifest says of file, libraries, code, declaration and rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ml.checking.batch_changes import BatchChange, compare_batches
from ml.checking.checks import Check, store_check
from ml.checking.code_version import code_version
from ml.checking.staleness import compare_with
from ml.checking.training_rows import TrainingRows, hash_training_rows
from ml.erasing.marks import describe_marks, is_marked, is_refused
from ml.errors import ModelError
from ml.predict import task_of
from ml.registry.folders import task_folder
from ml.registry.model_bytes import MODEL, different_versions, file_problem
from ml.task import DeclaredTask
from waybill.cli import shown_command
from waybill.settings import relative_name
from waybill.text import counted

DIGITS = 12  # of a hash, as people read it
COMPARED = ("features", "label", "split", "seed", "threshold", "positive_label")  # of declaration and manifest


@dataclass(frozen=True)
class Finding:
    """What became of one part of a model; `is_unchanged` is None if its manifest, an older one, does not say it.

    `command` helps if the part has changed.
    """

    part: str
    is_unchanged: bool | None
    detail: str
    command: str | None = None


@dataclass(frozen=True)
class Verification:
    """What became of a model since training: a finding for each part, its check, and the batches that changed."""

    task: str
    model_id: str
    trained_at: str
    findings: list[Finding]
    check: Check | None
    batches: list[BatchChange]

    @property
    def is_unchanged(self) -> bool:
        """False if a part has changed, is broken or cannot be compared."""
        return all(finding.is_unchanged is not False for finding in self.findings)


def verify(declared: DeclaredTask, manifest: dict[str, Any]) -> Verification:
    """Compare each part of a model with what its manifest says, without loading it; store the check of its rows."""
    again = shown_command(f"train --task {declared.task.task}")
    findings = [
        _verify_file(declared, manifest, f"{again} --force"),
        _verify_versions(manifest, f"{again} --force"),
        _verify_code(manifest, f"{again} --force"),
        _verify_declaration(declared, manifest, again),
    ]
    findings += _verify_marks(manifest, again)
    check, batches = None, []
    try:
        now = hash_training_rows(task_of(declared.task, manifest))
        check = store_check(compare_with(declared.task, manifest, now))
        batches = compare_batches(
            manifest.get("batch_digests", {}), now.batch_digests, {**manifest["batches"], **now.batches}
        )
        findings.append(_verify_rows(manifest, check, now, again))
    except ModelError as error:
        findings.append(Finding("rows", False, f"cannot be compared: {error}"))
    return Verification(
        task=declared.task.task,
        model_id=manifest["model_id"],
        trained_at=manifest.get("trained_at", ""),
        findings=findings,
        check=check,
        batches=batches if check and check.is_stale else [],
    )


def _verify_file(declared: DeclaredTask, manifest: dict[str, Any], again: str) -> Finding:
    path = task_folder(declared.task.task) / manifest["model_id"] / MODEL
    name = relative_name(path)
    problem = file_problem(path.parent, manifest)
    return Finding("file", not problem, f"{name} {problem}" if problem else name, again)


def _verify_versions(manifest: dict[str, Any], again: str) -> Finding:
    if different := different_versions(manifest):
        named = ", ".join(f"{name} {then}, now {now}" for name, (then, now) in different.items())
        return Finding("versions", False, named, again)
    named = ", ".join(f"{name} {version}" for name, version in manifest["versions"].items())
    return Finding("versions", True, named)


def _verify_code(manifest: dict[str, Any], again: str) -> Finding:
    made_by, now = manifest.get("code"), code_version()
    if not made_by or not {"tree", "digest"} <= made_by.keys():
        return Finding("code", None, "its manifest is an older one, which does not say it")
    tree = f"tree {made_by['tree'][:DIGITS]}{' with uncommitted changes' if made_by.get('is_changed') else ''}"
    if made_by["digest"] == now["digest"]:
        return Finding("code", True, tree)
    return Finding("code", False, f"{tree}, now {now['tree'][:DIGITS]} with files {now['digest'][:DIGITS]}", again)


def _verify_declaration(declared: DeclaredTask, manifest: dict[str, Any], again: str) -> Finding:
    file = f"ml/tasks/{declared.task.task}.yml"
    if declared.is_same_as(manifest["task_digest"]):
        return Finding("declaration", True, file)
    return Finding("declaration", False, f"{file} declares something else now{_differences(declared, manifest)}", again)


def _differences(declared: DeclaredTask, manifest: dict[str, Any]) -> str:
    """Return which fields differ, of those that the manifest also has."""
    task = declared.task
    split = {"kind": task.split.kind, **task.split.model_dump(mode="json", exclude_none=True)}
    now = {**task.model_dump(), "features": task.features, "split": split}
    then = {**manifest, "seed": manifest.get("seeds", {}).get("task")}
    named = [name for name in COMPARED if then.get(name) is not None and now[name] not in (None, then[name])]
    return f": {', '.join(named)}" if named else ""


def _verify_marks(manifest: dict[str, Any], again: str) -> list[Finding]:
    """Return a finding only if the model had learnt erased rows."""
    if not is_marked(manifest):
        return []
    refused = ", so it is refused" if is_refused(manifest) else ""
    return [Finding("erasures", False, f"{describe_marks(manifest)}{refused}", again)]


def _verify_rows(manifest: dict[str, Any], check: Check, now: TrainingRows, again: str) -> Finding:
    learnt_from = counted(manifest["rows"]["learnt_from"], "training row")
    if not check.is_stale:
        outdated = ", but a batch was undone that the table has yet to follow" if check.is_outdated else ""
        return Finding("rows", True, f"{learnt_from} of marts.{check.mart}{outdated}")
    return Finding("rows", False, f"{learnt_from}, now {now.rows:,}: changed {_by(check)}", again)


def _by(check: Check) -> str:
    return f"by {check.because}" if check.changed_batches else check.because


def lines(verified: Verification) -> Iterator[str]:
    """Yield what was found, for people: one line a part, the batches below, and the commands that help."""
    yield f"{verified.task}: model {verified.model_id}, trained {verified.trained_at[:16].replace('T', ' ')} UTC"
    for finding in verified.findings:
        state = {True: "unchanged", False: "CHANGED", None: "unknown"}[finding.is_unchanged]
        yield f"  {finding.part:<12} {state:<10} {finding.detail}"
    yield from (f"  {'':<12} {'':<10} {change}" for change in verified.batches)
    commands = dict.fromkeys(one.command for one in verified.findings if one.is_unchanged is False and one.command)
    if len(commands) > 1:  # --force trains whatever else has changed
        commands = {command: None for command in commands if command.endswith("--force")}
    yield from (f"  train it again: `{command}`" for command in commands)
