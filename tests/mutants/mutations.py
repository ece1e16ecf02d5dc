"""Reads the lists of mutations: `mutations.yml`, and `sample_mutations.yml` of those that need the sample."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from waybill.settings import PROJECT

LISTS = sorted(Path(__file__).parent.glob("*mutations.yml"))


@dataclass(frozen=True)
class Mutation:
    """A change of the code that breaks a promise, and the tests of which at least one must fail because of it."""

    breaks: str
    file: str
    original: str
    mutated: str
    tests: tuple[str, ...]

    def apply(self, project: Path) -> str:
        """Change the file below a project's folder; return its text before the change.

        Raises:
            ValueError: the original is not exactly once in the file, or the mutation changes nothing.
        """
        path = project / self.file
        text = path.read_text(encoding="utf-8")
        if text.count(self.original) != 1 or self.original == self.mutated:
            raise ValueError(f"{self.file} has not exactly once: {self.original}")
        path.write_text(text.replace(self.original, self.mutated), encoding="utf-8")
        return text


def read_mutations(selected: str = "") -> list[Mutation]:
    """Return the mutations whose promise or file contains a text, in the order of the lists."""
    entries = [entry for path in LISTS for entry in yaml.safe_load(path.read_text(encoding="utf-8"))]
    found = [Mutation(**{**entry, "tests": tuple(entry["tests"])}) for entry in entries]
    return [mutation for mutation in found if selected in mutation.breaks or selected in mutation.file]


def missing_tests(mutation: Mutation) -> list[str]:
    """Return the mutation's tests that do not exist in the project."""
    return [
        test
        for test in mutation.tests
        if not (PROJECT / (path := test.partition("::")[0])).is_file()
        or f"def {test.partition('::')[2].partition('[')[0]}(" not in (PROJECT / path).read_text(encoding="utf-8")
    ]
