"""The changelog's new names exist, so that a reader can use them."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.house.sample import SAMPLE

pytestmark = pytest.mark.skipif(not SAMPLE, reason="some new names are of the sample, which is removed")
CHANGELOG = Path("CHANGELOG.md").read_text()
PACKAGES = "waybill|setup|warehouse|loader|streaming|expectations|ml|data|pipeline"


def new_names(heading: str) -> list[str]:
    """Return the dotted names in the last column of the table under a heading."""
    table = CHANGELOG.partition(f"### {heading}\n")[2].partition("\n### ")[0]
    cells = re.findall(r"^\|.*\| ([^|]*) \|$", table, re.M)
    return [name for cell in cells for name in re.findall(rf"`((?:{PACKAGES})\.[\w.]+)", cell)]


@pytest.mark.parametrize("module", new_names("Python modules"))
def test_a_new_module_exists(module: str) -> None:
    assert find_spec(module)


@pytest.mark.slow
@pytest.mark.parametrize("name", new_names("Python names"))
def test_a_new_name_exists(name: str) -> None:
    words, attributes = name.split("."), []
    while not _is_module(words):
        attributes.insert(0, words.pop())
    found = import_module(".".join(words))
    for attribute in attributes:
        found = getattr(found, attribute) if hasattr(found, attribute) else found.__annotations__[attribute]


def _is_module(words: list[str]) -> bool:
    try:
        return find_spec(".".join(words)) is not None
    except ModuleNotFoundError:
        return False
