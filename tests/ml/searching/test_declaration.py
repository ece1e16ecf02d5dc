"""Found parameters go into a declaration of any form; comments and everything else stay."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ml.errors import TaskBroken
from ml.searching.declaration import candidate_lines, write_parameters

FOUND: dict[str, dict[str, Any]] = {"logistic_regression": {"C": 0.5, "max_iter": 200}}
HEAD = "# ours\ntask: returns # why\n"
FORMS = {
    "flow": "candidates: # tried\n  dummy: {}\n  logistic_regression: {C: 0.1} # first\n  # the end\nseed: 1\n",
    "block": "candidates:\n  logistic_regression:\n    C: 0.1 # old\n    max_iter: 9\n  # trees\n  dummy: {}\nseed: 1 # s\n",
    "last": "seed: 1\ncandidates:\n  dummy: {}\n  logistic_regression:\n    C: 0.1\n\n# the end\n",
    "one line": "candidates: {dummy: {}, logistic_regression: {C: 0.1}}\n",
    "several lines": "candidates:\n  logistic_regression: {\n    C: 0.1, # old\n    max_iter: 9,\n  }\n  dummy: {}\n",
    "no line end": "candidates: {logistic_regression: {}}",
    "windows": "candidates:\r\n  logistic_regression:\r\n    C: 0.1\r\n  dummy: {}\r\n# end\r\n",
    "quoted": '"candidates":\n  "logistic_regression": {"C": 0.1}\n',
}


def write(path: Path, text: str, found: dict[str, dict[str, Any]]) -> str:
    path.write_bytes(text.encode())
    write_parameters(path, hashlib.sha256(text.encode()).hexdigest(), found)
    return path.read_bytes().decode()


@pytest.mark.parametrize("form", FORMS)
def test_parameters_are_replaced_and_comments_stay(form: str, tmp_path: Path) -> None:
    before = HEAD + FORMS[form]
    after = write(tmp_path / "returns.yml", before, FOUND)
    expected = yaml.safe_load(before)
    expected["candidates"] |= FOUND
    assert yaml.safe_load(after) == expected
    assert after.startswith(HEAD)
    outside = [part for part in ("# tried", "# first", "# the end", "# trees", "# s", "# end") if part in before]
    assert [part for part in outside if part not in after] == []
    assert after.count("\r") == before.count("\r") or form == "windows"


@given(st.dictionaries(st.sampled_from(["C", "max_iter", "tol"]), st.floats(1e-6, 10) | st.integers(1, 900)))
def test_any_parameters_read_back_equal(tmp_path_factory: Any, parameters: dict[str, Any]) -> None:
    path = tmp_path_factory.mktemp("task") / "returns.yml"
    for form in FORMS.values():
        after = yaml.safe_load(write(path, HEAD + form, {"logistic_regression": parameters}))
        assert after["candidates"]["logistic_regression"] == parameters
    assert yaml.safe_load("\n".join(candidate_lines({"dummy": parameters}))) == {"candidates": {"dummy": parameters}}


def test_a_declaration_that_changed_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "returns.yml"
    path.write_text(HEAD + FORMS["flow"])
    with pytest.raises(TaskBroken, match=r"returns\.yml was changed during the search, so nothing was written: run"):
        write_parameters(path, "0" * 64, FOUND)
    assert path.read_text() == HEAD + FORMS["flow"]


def test_an_alias_is_not_written_over(tmp_path: Path) -> None:
    text = "shared: &shared {C: 0.1}\ncandidates:\n  logistic_regression: *shared\n"
    with pytest.raises(TaskBroken, match="has aliases or tags in `candidates`: put in the lines above yourself"):
        write(tmp_path / "returns.yml", text, FOUND)
    assert (tmp_path / "returns.yml").read_text() == text
