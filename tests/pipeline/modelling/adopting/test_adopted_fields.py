"""What `waybill adopt` makes of fields, types and values that arrived late, and what stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ModellingRefused
from pipeline.modelling.adopting.redesign import Redesign
from pipeline.modelling.flags import Flags
from pipeline.modelling.project_files import project_files
from tests.support.own_sources.adopted import AdoptingProject, names


def order(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": f"o{number}",
        "state": ["new", "sent"][number % 2],
        "price": number,
        "lines": [{"sku": "a", "n": number}],
        "customer": {"name": "Ada"},
        **more,
    }


EARLY = [order(number) for number in range(60)]
LATE = [
    order(number, coupon="C1", lines=[{"sku": "b", "n": 1, "discount": 0.5}], tags=["x", "y"], rates={"eur": 1.5})
    for number in range(60, 120)
]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[AdoptingProject]:
    with pytest.MonkeyPatch.context() as patch:
        yield AdoptingProject(tmp_path, patch)


def test_all_that_arrived_is_adopted(project: AdoptingProject) -> None:
    project.new(EARLY)
    made = project.adopt(EARLY + LATE)
    assert names(made.after)["fct_orders"] == ["id", "coupon", "customer_name", "state", "price", "rates_eur"]
    assert names(made.after)["fct_orders_lines"] == ["sku", "discount", "n"]
    assert names(made.after)["fct_orders_tags"] == ["tags_value"]
    assert '"coupon": {}' in project.text("loader/contracts/orders.schema.json")
    assert "coupon" in project.text("expectations/context/suites/fct_orders.json")
    assert "ref('stg_orders_tags')" in project.text(
        "dbt_project/models/intermediate/deduplicated/int_orders_deduplicated.sql"
    )


def test_adopting_late_fields_gives_the_files_of_one_design(project: AdoptingProject) -> None:
    project.new(EARLY)
    project.adopt(EARLY + LATE)
    adopted = project.files()
    whole = project_files(project.new(EARLY + LATE))
    differing = {name for name in whole if whole[name] != adopted[name]}
    assert differing == {"loader/sources/orders.yml"}  # its comments keep the evidence of the first documents
    assert set(adopted) == set(whole)


def test_a_second_adopt_has_nothing_to_do(project: AdoptingProject) -> None:
    project.new(EARLY)
    assert project.decide(EARLY)[1].names == []
    project.adopt(EARLY + LATE)
    assert project.decide(EARLY + LATE)[1].names == []
    assert project.decide(EARLY + LATE, "/coupon")[1].names == []


def test_named_fields_are_adopted_and_no_others(project: AdoptingProject) -> None:
    project.new(EARLY)
    before = project.text("expectations/context/suites/raw_orders.json")
    made = project.adopt(EARLY + LATE, "/lines/*/discount")
    assert names(made.after)["fct_orders_lines"] == ["sku", "discount", "n"]
    assert "coupon" not in names(made.after)["fct_orders"] and "fct_orders_tags" not in names(made.after)
    assert "coupon" not in project.text("loader/contracts/orders.schema.json")
    assert project.text("expectations/context/suites/raw_orders.json") == before  # not even a figure changes
    assert project.decide(EARLY + LATE, "/lines/*/discount")[1].names == []


def test_one_field_of_a_new_array_is_adopted(project: AdoptingProject) -> None:
    project.new(EARLY)
    late = [order(60, parcels=[{"code": "a", "kg": 1}])]
    made = project.adopt(EARLY + late, "/parcels/*/kg")
    assert names(made.after)["fct_orders_parcels"] == ["kg"]
    made = project.adopt(EARLY + late)
    assert names(made.after)["fct_orders_parcels"] == ["code", "kg"]


def test_names_tables_and_types_that_exist_stay(project: AdoptingProject) -> None:
    flags = Flags(
        columns={"/price": "amount"},
        tables={"/lines": "positions"},
        types={"/price": "numeric"},
        json=("/customer",),
        left_out={"/state": "of no use"},
        key=("/id",),
        is_dimension=True,
    )
    project.new(EARLY, flags)
    made = project.adopt(EARLY + LATE)
    assert names(made.after)["dim_orders"] == ["id", "coupon", "amount", "rates_eur", "customer"]
    assert names(made.after)["dim_orders_positions"] == ["sku", "discount", "n"]
    amount = next(column for column in made.after.root.columns if column.name == "amount")
    assert amount.type == "numeric"
    assert made.after.left_out == (("/state", "of no use"),)


def test_fields_that_no_document_has_any_more_stay(project: AdoptingProject) -> None:
    project.new(EARLY + LATE)
    made = project.adopt(EARLY)
    assert names(made.after) == names(project.new(EARLY + LATE))


def test_a_similar_name_that_comes_later_gets_the_digits(project: AdoptingProject) -> None:
    project.new([order(number, userId="a") for number in range(30)])
    made = project.adopt([order(number, userId="a", user_id="b") for number in range(30)])
    found = {column.path: column.name for column in made.after.root.columns}
    assert found["/userId"] == "user_id" and found["/user_id"].startswith("user_id_")


def price_type(made: Redesign) -> str:
    return next(column.type for column in made.after.root.columns if column.path == "/price")


@pytest.mark.parametrize(
    ("values", "expected", "is_asked"),
    [
        *[(10**10, "bigint", False), (1.25, "numeric", False), (None, "integer", False), (7, "integer", False)],
        *[("dear", "jsonb", True), ([1, 2], "jsonb", True), (True, "jsonb", True)],
    ],
)
def test_a_type_that_fits_no_longer_is_widened(
    project: AdoptingProject, values: Any, expected: str, is_asked: bool
) -> None:
    project.new(EARLY)
    late = [order(number, price=values) for number in range(60, 90)]
    assert price_type(project.decide(EARLY + late, "/price")[0]) == expected
    assert price_type(project.decide(EARLY + late, "/state")[0]) == "integer"
    made = project.adopt(EARLY + late)
    assert price_type(made) == ("integer" if is_asked else expected)
    assert [one.path for one in made.withheld] == ["/price"] * is_asked
    assert project.decide(EARLY + late)[1].names == []


@pytest.mark.parametrize(
    ("late", "shown"),
    [
        ({"price": "many"}, '/price (integer): 1 of 61 values do not fit, such as "many"'),
        ({"price": {"eur": 5}}, "/price (integer): 1 of 61 values do not fit, such as an object"),
        ({"customer": "Ada"}, '/customer (object): 1 of 61 values do not fit, such as "Ada"'),
        ({"lines": "none"}, '/lines (array): 1 of 61 values do not fit, such as "none"'),
        ({"lines": [{"sku": "a", "n": True}]}, "/lines/*/n (integer): 1 of 61 values do not fit, such as true"),
    ],
)
def test_what_would_stop_being_what_it_is_stays_and_is_listed(
    project: AdoptingProject, late: dict[str, Any], shown: str
) -> None:
    before = names(project.new(EARLY))
    made, changed = project.decide([*EARLY, order(60, **late)])
    assert [one.shown for one in made.withheld] == [shown]
    assert names(made.after) == before and changed.removed == []
    assert not [name for name in changed.names if name.endswith((".sql", "loader/sources/orders.yml"))]
    assert project.decide([*EARLY, order(60, **late)], made.withheld[0].path)[1].names


def test_the_type_that_a_column_has_is_nothing_to_adopt(project: AdoptingProject) -> None:
    project.new(EARLY)
    late = [*EARLY, order(60, price="many")]
    same = Flags(types={"/price": "integer"})
    made, changed = project.decide(late, "/price", flags=same)
    assert (changed.names, made.withheld) == ([], ())
    assert price_type(project.decide(late, flags=same)[0]) == "integer"
    assert price_type(project.decide(late, "/price", flags=Flags(types={"/price": "text"}))[0]) == "text"


def test_declared_missing_texts_do_not_widen_a_type(project: AdoptingProject) -> None:
    project.new(EARLY)
    declaration = project.path("loader/sources/orders.yml")
    declaration.write_text(declaration.read_text() + 'missing_texts: {/price: ["n/a"]}\n')
    late = [order(60, price="n/a")]
    assert project.decide(EARLY + late, "/state")[1].names == []
    made, _ = project.decide(EARLY + late)
    assert {column.path: column.type for column in made.after.root.columns}["/price"] == "integer"


def test_a_new_value_of_an_enumeration_is_accepted(project: AdoptingProject) -> None:
    project.new(EARLY)
    late = [order(60, state="back")]
    assert project.decide(EARLY + late, "/price")[1].names == []
    project.adopt(EARLY + late, "/state")
    assert 'values: ["back", "new", "sent"]' in project.text("dbt_project/models/marts/orders/fct_orders.yml")
    assert '"back"' in project.text("expectations/context/suites/fct_orders.json")


def test_a_path_of_mixed_structure_is_kept_as_json(project: AdoptingProject) -> None:
    project.new(EARLY)
    late = [order(number, customer="Ada", extra=[number] if number % 2 else "none") for number in range(60, 90)]
    project.adopt(EARLY + late)
    made = project.adopt(EARLY + late, "/customer")
    found = {column.path: column for column in made.after.root.columns}
    assert found["/extra"].type == found["/customer"].type == "jsonb"
    assert "/customer/name" not in found
    assert "1 string" not in found["/extra"].evidence and "15 arrays" in found["/extra"].evidence


def test_an_array_that_became_mixed_is_kept_as_json(project: AdoptingProject) -> None:
    project.new(EARLY)
    made = project.adopt([*EARLY, order(60, lines="none")], "/lines")
    assert [table.suffix for table in made.after.tables] == [""]
    assert {column.path: column.type for column in made.after.root.columns}["/lines"] == "jsonb"
    assert not project.path("dbt_project/models/marts/orders/fct_orders_lines.sql").exists()


def test_unnamed_structure_stays_where_values_do_not_fit(project: AdoptingProject) -> None:
    project.new(EARLY)
    late = [order(60, customer="Ada", lines="none", coupon="C1")]
    made = project.adopt(EARLY + late, "/coupon")
    assert names(made.after)["fct_orders"] == ["id", "coupon", "customer_name", "state", "price"]
    assert names(made.after)["fct_orders_lines"] == ["sku", "n"]


def test_an_object_that_grew_names_stays_an_object(project: AdoptingProject) -> None:
    project.new([order(number, rates={"eur": 1, "usd": 2}) for number in range(30)])
    grown = [order(number, rates={"eur": 1, f"x{number}": 1}) for number in range(30)]
    made = project.adopt(grown)
    assert len(made.after.tables) == 2 and "rates_x29" in names(made.after)["fct_orders"]
    mapped = project.decide(grown, "/rates", flags=Flags(maps=("/rates",)))[0]
    assert [table.path for table in mapped.after.tables] == ["", "/lines", "/rates"]


def test_what_was_left_out_comes_back_when_it_is_named(project: AdoptingProject) -> None:
    project.new(EARLY, Flags(left_out={"/state": "of no use", "/customer": "private"}))
    with pytest.raises(ModellingRefused, match=r"/customer/name is below /customer, which is left out as a whole"):
        project.decide(EARLY, "/customer/name")
    made = project.adopt(EARLY, "/state")
    assert "state" in names(made.after)["fct_orders"]
    assert made.after.left_out == (("/customer", "private"),)
    assert "of no use" not in project.text("loader/sources/orders.yml")


def test_a_new_field_is_left_out_with_a_flag(project: AdoptingProject) -> None:
    project.new(EARLY)
    made = project.adopt(EARLY + LATE, flags=Flags(left_out={"/tags": "no"}, types={"/coupon": "text"}))
    assert made.after.left_out == (("/tags", "no"),)
    assert "fct_orders_tags" not in names(made.after)
    assert project.decide(EARLY + LATE)[1].names == []


def test_a_key_that_repeats_is_changed(project: AdoptingProject) -> None:
    project.new(EARLY)
    late = [{**order(number % 60), "part": number} for number in range(120)]
    made = project.adopt(late, flags=Flags(key=("/id", "/part")))
    assert made.after.key == ("/id", "/part")
    assert "key: [/id, /part]" in project.text("loader/sources/orders.yml")
    assert "parents.part" in project.text("dbt_project/models/marts/orders/fct_orders_lines.sql")
    assert project.decide(late)[1].names == []


@pytest.mark.parametrize(
    ("pointer", "problem"),
    [
        ("/coupn", "no landed document of orders has /coupn; did you mean /coupon?"),
        ("/lines/discount", "no landed document of orders has /lines/discount; did you mean /lines/*/discount"),
        ("/qqq", "no landed document of orders has /qqq; `waybill drift orders` lists the fields"),
        ("coupon", "coupon is not a JSON pointer: write /coupon"),
    ],
)
def test_a_pointer_that_leads_nowhere_is_named(project: AdoptingProject, pointer: str, problem: str) -> None:
    project.new(EARLY)
    with pytest.raises(ModellingRefused) as refused:
        project.decide(EARLY + LATE, pointer)
    assert problem in str(refused.value).replace(".venv/bin/", "")
