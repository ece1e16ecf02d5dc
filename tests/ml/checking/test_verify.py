"""`waybill verify` says what of a model has changed since training, by which batches, and what helps (P7)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

import ml.task
from ml.checking import code_version, verification
from ml.checking.batch_changes import compare_batches
from ml.checking.checks import read_check
from ml.checking.command import verify
from ml.registry.history import current_id
from ml.registry.model_bytes import sealed
from ml.train import train
from tests.support.declared.orders import order
from tests.support.landing import land
from tests.support.small.task import TASK, execute
from warehouse.connection import connect
from warehouse.schema import ensure_raw_tables
from waybill.project.git import ask_git

PARTS = ["file", "versions", "code", "declaration", "rows"]


def verified(*arguments: str) -> Result:
    return CliRunner().invoke(verify, list(arguments))


def states() -> dict[str, bool | None]:
    (found,) = json.loads(verified("small", "--json").output)
    return {one["part"]: one["is_unchanged"] for one in found["findings"]}


def folder_of(task: Path) -> Path:
    return task / str(current_id("small"))


def change_manifest(task: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    path = folder_of(task) / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(sealed(manifest)))


def test_an_unchanged_model_is_said_to_be_unchanged(task: Path) -> None:
    manifest = train("small").manifest
    found = verified()
    assert found.exit_code == 0, found.output
    assert found.output.startswith(f"small: model {manifest['model_id']}, trained {manifest['trained_at'][:10]} ")
    assert [line.split()[:2] for line in found.output.splitlines()[1:]] == [[part, "unchanged"] for part in PARTS]
    assert "441 training rows of marts.rows" in found.output


def flip_a_byte(task: Path) -> None:
    path = folder_of(task) / "model.joblib"
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


def change_a_version(task: Path) -> None:
    change_manifest(task, lambda manifest: manifest["versions"].update(numpy="0.1"))


def change_the_code(task: Path) -> None:
    change_manifest(task, lambda manifest: manifest["code"].update(digest="0" * 64))


def change_a_line_of_the_declaration(task: Path) -> None:
    (ml.task.TASKS / "small.yml").write_text(yaml.safe_dump({**TASK, "seed": 2}))


def flip_a_label(task: Path) -> None:
    execute("update marts.rows set is_late = not is_late where row_id = 'r7'")


def edit_a_figure(task: Path) -> None:
    path = folder_of(task) / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["metrics"]["roc_auc"] = 0.99
    path.write_text(json.dumps(manifest))


def remove_the_file(task: Path) -> None:
    (folder_of(task) / "model.joblib").unlink()


CHANGES: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "one byte": (flip_a_byte, "file", "model.joblib is not the file that was saved"),
    "no file": (remove_the_file, "file", "model.joblib is missing"),
    "one figure": (edit_a_figure, "file", "model.joblib is unchanged, but its manifest.json was edited"),
    "one version": (change_a_version, "versions", "numpy 0.1, now "),
    "the code": (change_the_code, "code", "tree "),
    "one line of the declaration": (
        change_a_line_of_the_declaration,
        "declaration",
        "small.yml declares something else now: seed",
    ),
    "one label": (flip_a_label, "rows", "441 training rows, now 441: changed by no batch: "),
}


@pytest.mark.parametrize(("change", "part", "words"), CHANGES.values(), ids=CHANGES)
def test_one_change_is_named_and_no_other(task: Path, change: Callable[[Path], None], part: str, words: str) -> None:
    train("small")
    change(task)
    assert states() == {one: one != part for one in PARTS}
    found = verified("small")
    assert found.exit_code == 1
    (line,) = [line for line in found.output.splitlines() if " CHANGED " in line]
    assert line.split()[0] == part and words in line
    force = "" if part in ("declaration", "rows") else " --force"
    assert found.output.rstrip().endswith(f"waybill train --task small{force}`")


def test_what_verify_found_is_the_stored_check(task: Path) -> None:
    manifest = train("small").manifest
    flip_a_label(task)
    verified("small")
    check = read_check("small", manifest["model_id"])
    assert check and check.is_stale


def test_a_row_edited_by_hand_is_found_in_its_batch(task: Path) -> None:
    ensure_raw_tables(connect("owner"), ["orders"])
    first, second = land("orders", order()), land("orders", order())
    execute(
        f"insert into intermediate.processed_batches values ('rows', '{first}'), ('rows', '{second}')",
        "alter table marts.rows add _batch_id uuid",
        f"update marts.rows set _batch_id = case when on_date < '2013-02-01' then '{first}' else '{second}' end::uuid",
    )
    train("small")
    execute("update marts.rows set delay = 99 where row_id = 'r8'", "delete from marts.rows where row_id = 'r40'")
    (found,) = json.loads(verified("small", "--json").output)
    assert found["is_stale"] and found["changed_batches"] == []
    assert {(one["batch_id"], one["rows_at_training"], one["rows_now"]) for one in found["batches"]} == {
        (str(first), 151, 151), (str(second), 290, 289)
    }  # fmt: skip
    output = verified("small").output
    assert "orders: data/raw/orders.ndjson: some of 151 rows changed" in output
    assert "orders: data/raw/orders.ndjson: 1 row removed, 289 left" in output


def test_changes_of_batches_are_said_in_words() -> None:
    learnt = {"a": digest(5, "1"), "b": digest(3, "2"), "c": digest(2, "3"), "same": digest(9, "4"), "": digest(1, "5")}
    now = {"a": digest(7, "6"), "b": digest(1, "7"), "d": digest(1200, "8"), "same": digest(9, "4"), "": digest(1, "9")}
    changes = compare_batches(learnt, now, {"a": "orders: a.json", "b": "orders: b.json", "c": "orders: c.json"})
    assert list(map(str, changes)) == [
        "batch d: 1,200 rows added",
        "orders: a.json: 2 rows added, 5 before",
        "orders: b.json: 2 rows removed, 1 left",
        "orders: c.json: 2 rows removed",
        "rows without a batch: some of 1 row changed",
    ]


def digest(rows: int, value: str) -> dict[str, Any]:
    return {"rows": rows, "digest": value}


def test_an_older_manifest_is_verified_as_far_as_it_goes(task: Path) -> None:
    train("small")
    change_manifest(task, lambda manifest: [manifest.pop(name) for name in ("code", "seeds", "key", "batch_digests")])
    assert states() == {part: None if part == "code" else True for part in PARTS}
    assert verified("small").exit_code == 0


def test_what_cannot_be_compared_is_one_line(task: Path) -> None:
    assert verified().output.startswith("no model to verify: `")
    assert "no model for small: train one with `" in str(verified("small").exception)
    train("small")
    execute("alter table marts.rows rename column delay to late_by")
    found = verified("small")
    assert found.exit_code == 1
    assert "rows         CHANGED    cannot be compared: marts.rows has no column delay" in found.output
    (folder_of(task) / "manifest.json").write_text("{")
    found = verified()
    assert found.exit_code == 1 and "has no manifest.json that can be read" in found.output


def test_the_code_is_known_with_and_without_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "ml"
    (package / "tasks").mkdir(parents=True)
    (package / "train.py").write_text("fit()\n")
    monkeypatch.setattr(code_version, "PROJECT", tmp_path)
    monkeypatch.setattr("waybill.project.git.PROJECT", tmp_path)
    without = code_version.code_version()
    assert without == {"tree": without["digest"], "digest": without["digest"], "is_changed": None}
    (package / "tasks" / "mine.yml").write_text("task: mine\n")
    assert code_version.code_version() == without
    (package / "train.py").write_text("fit(1)\n")
    assert code_version.code_version()["digest"] != without["digest"]
    (package / "train.py").write_text("fit()\n")

    for arguments in (
        ("init", "-q"),
        ("add", "ml"),
        ("-c", "user.name=x", "-c", "user.email=x@y", "commit", "-qm", "x"),
    ):
        assert ask_git(*arguments) == ""
    committed = code_version.code_version()
    assert committed == {
        "tree": ask_git("rev-parse", "HEAD:ml"),
        "digest": without["digest"],
        "is_changed": False,
    }
    (package / "tasks" / "other.yml").write_text("task: other\n")
    assert code_version.code_version() == committed
    (package / "train.py").write_text("fit(2)\n")
    changed = code_version.code_version()
    assert (changed["tree"], changed["is_changed"]) == (committed["tree"], True)
    assert len(changed["tree"]) > verification.DIGITS
