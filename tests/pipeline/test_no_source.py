"""A project without any source: each stage says in one line what to type, and none fails."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from expectations import assets
from expectations.checkpoints import run_checkpoint
from loader import declarations
from loader.declarations import no_source, read_source, source_names
from loader.errors import SourceUnknown
from loader.file_dates import asked_days
from loader.load import load
from loader.plan import Request
from pipeline.accounting import print_accounting
from pipeline.errors import ModellingRefused
from pipeline.export import shapes
from pipeline.export.export import export
from pipeline.modelling.adopting.existing import read_existing

NEW = "waybill new NAME FILE`"


@pytest.fixture(autouse=True)
def without_sources(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WAYBILL_PROCESSED", str(tmp_path / "processed"))
    monkeypatch.setattr(declarations, "SOURCES", tmp_path / "sources")
    monkeypatch.setattr(shapes, "SHAPES", tmp_path / "shapes")
    context = tmp_path / "context"
    (context / "checkpoints").mkdir(parents=True)
    for gate in ("raw", "marts"):
        (context / "checkpoints" / f"{gate}.json").write_text("{}")
    monkeypatch.setattr(assets, "CONTEXT", context)


def test_an_unknown_source_is_answered_with_waybill_new() -> None:
    assert source_names() == []
    with pytest.raises(SourceUnknown, match=f"no source 'cafes': no source is declared: .*{NEW}"):
        read_source("cafes")


def test_an_adopt_says_what_to_type() -> None:
    with pytest.raises(ModellingRefused, match=f"no source cafes; no source is declared: .*{NEW}"):
        read_existing("cafes")


def test_a_load_lands_nothing_and_says_what_to_type(database: str) -> None:
    for request in (Request(), Request(dry_run=True), Request(days=asked_days("2024-01", None))):
        result = load(request)
        assert (result.rows, result.refusal) == (0, None)
        for summary in (result.summary, result.dry_summary):
            assert summary.startswith(f"{no_source()}")
            assert NEW in summary


@pytest.mark.parametrize("gate", ["raw", "marts"])
def test_a_gate_has_nothing_to_check(gate: str) -> None:
    outcome = run_checkpoint(gate)
    assert (outcome.success, outcome.rows) == (True, 0)
    assert NEW in outcome.summary


def test_the_books_say_what_to_type() -> None:
    shown = Console(file=StringIO(), width=80)
    print_accounting([], shown)
    printed = shown.file.getvalue()
    assert printed.startswith("nothing has landed yet: no source is declared: ") and NEW in printed
    assert "make load" not in printed


def test_an_export_writes_nothing() -> None:
    exported = export()
    assert (exported.rows, exported.written) == (0, ())
    assert NEW in exported.summary
