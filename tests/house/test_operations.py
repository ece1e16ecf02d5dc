"""The page for operators explains every alert and every variable of alerts."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from dotenv import dotenv_values

from pipeline.alerts.alert import RULES
from waybill.settings import Settings

PAGE = Path("docs/operations.md").read_text()
UNITS = re.findall(r"# /etc/systemd/system/(waybill[\w-]*\.\w+)\n(.*?)(?=\n# /etc|```)", PAGE, re.S)


def section(rule: str) -> str:
    return PAGE.partition(f"\n### {rule}\n")[2].partition("\n### ")[0].partition("\n## ")[0]


def test_the_sections_are_the_rules_in_order_of_urgency() -> None:
    steps = PAGE.partition("\n## Each alert, step by step\n")[2].partition("\n## ")[0]
    assert tuple(re.findall(r"^### (\w+)$", steps, re.M)) == RULES


@pytest.mark.parametrize("rule", RULES)
def test_each_alert_says_what_it_means_and_what_to_type(rule: str) -> None:
    meaning, first, _ = section(rule).partition("\n1. ")
    assert len(meaning) > 80 and first
    assert "`waybill " in section(rule)


def test_every_threshold_is_in_the_table_with_its_default() -> None:
    fields = {name.upper(): field.default for name, field in Settings.model_fields.items() if "_alert_" in name}
    example = dotenv_values(".env.example")
    for name, default in fields.items():
        assert f"`{name}`" in PAGE
        assert example[name] == (
            "" if default is None else f"{default:g}" if isinstance(default, float) else str(default)
        )
        if default:
            [row] = [line for line in PAGE.splitlines() if line.startswith("| `WAYBILL") and f"`{name}`" in line]
            assert str(example[name]) in row


def test_every_command_of_an_alert_is_in_its_section() -> None:
    for path in Path("pipeline/alerts").glob("*.py"):
        source = path.read_text()
        for rule, rest in re.findall(r'rule="(\w+)",(.*?)\n        \)', source, re.S):
            for command in re.findall(r'shown_command\(f?"([a-z-]+)', rest):
                assert f"`waybill {command}" in section(rule), (rule, command)


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    try:
        subprocess.run(["systemd-analyze", "--version"], capture_output=True, check=True)
    except FileNotFoundError:
        pytest.skip("systemd-analyze is not on this machine")
    assert len(UNITS) == 6
    for name, text in UNITS:
        (tmp_path / name).write_text(re.sub(r"/home/me/\S+", "/bin/true", text).replace("User=me\n", ""))
    for name, _ in UNITS:
        ran = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(tmp_path / name)], capture_output=True, text=True, check=False
        )
        complaints = [line for line in ran.stderr.splitlines() if "waybill" in line]
        assert complaints == [], name
