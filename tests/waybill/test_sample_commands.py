"""Commands that need the sample: with it they run, without it they say in one line what to type instead."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from waybill import sample_commands
from waybill.__main__ import ENTRIES, Commands
from waybill.sample_commands import INSTEAD, is_shipped, main, removal_of

MAKEFILE = Path("Makefile").read_text()
RUN_BY_MAKE = re.findall(r"\$\(WITH_SAMPLE\) (\S+)", MAKEFILE)


@pytest.fixture
def removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A project whose sample was removed; compiled Python has stayed in one of its folders."""
    (tmp_path / "benchmarks" / "__pycache__").mkdir(parents=True)
    monkeypatch.setattr(sample_commands, "PROJECT", tmp_path)


def names_of_make() -> list[str]:
    return [module for modules in RUN_BY_MAKE for module in modules.split(",")]


@pytest.mark.usefixtures("removed")
@pytest.mark.parametrize("modules", RUN_BY_MAKE)
def test_a_target_without_its_sample_prints_one_line(modules: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(modules, "--quick") == 0
    assert re.fullmatch(r"the sample was removed from this project: .*`.+`.*\n", capsys.readouterr().out)


@pytest.mark.usefixtures("removed")
@pytest.mark.parametrize("arguments", [[], ["--rate", "1", "x"], ["--out", "folder"]])
def test_a_removed_command_takes_any_arguments(arguments: list[str]) -> None:
    command = Commands().get_command(None, "stream")  # type: ignore[arg-type]
    result = CliRunner().invoke(command, arguments)  # type: ignore[arg-type]
    assert (result.exit_code, result.output.count("\n")) == (0, 1)
    assert "`waybill consume SOURCE`" in result.output


@pytest.mark.usefixtures("removed")
def test_removed_commands_are_not_listed() -> None:
    assert {"demo", "stream", "sample"}.isdisjoint(Commands().list_commands(None))  # type: ignore[arg-type]


def test_what_is_said_instead_can_be_typed() -> None:
    words = re.findall(r"`(\w+) ([\w-]+)", " ".join(INSTEAD.values()))
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.M))
    assert [name for tool, name in words if name not in (targets if tool == "make" else ENTRIES)] == []


def test_a_module_of_the_engine_is_never_called_removed() -> None:
    modules = {entry.path.partition(":")[0] for entry in ENTRIES.values()} | {*names_of_make()}
    needing = {module for module in modules if any(f"{module}.".startswith(f"{name}.") for name in INSTEAD)}
    assert {module for module in modules - needing if not is_shipped(module)} == set()
    assert {removal_of(module) for module in modules - needing} == {None}
