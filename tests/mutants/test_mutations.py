"""The list of mutations fits the code: `make mutants` can apply each of them."""

from __future__ import annotations

from tests.mutants.mutations import missing_tests, read_mutations
from waybill.settings import PROJECT


def test_every_mutation_changes_one_spot_of_the_code() -> None:
    counts = {
        mutation: (PROJECT / mutation.file).read_text(encoding="utf-8").count(mutation.original)
        for mutation in read_mutations()
    }
    assert {mutation.original: count for mutation, count in counts.items() if count != 1} == {}


def test_every_mutation_names_tests_that_exist() -> None:
    mutations = read_mutations()
    assert mutations
    assert [name for mutation in mutations for name in missing_tests(mutation)] == []
    assert all(mutation.tests and mutation.original != mutation.mutated for mutation in mutations)
