"""JSON pointers as RFC 6901 writes them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from waybill.json_pointers import ANY, POINTER, escape_name, join_pointer, split_pointer


def test_escaped_names_are_read_as_the_rfc_says() -> None:
    assert split_pointer("") == []
    assert split_pointer("/") == [""]
    assert split_pointer("/a~1b/m~0n/~01/0") == ["a/b", "m~n", "~1", "0"]


def test_list_indexes_are_part_of_a_pointer() -> None:
    assert join_pointer(["a", 0, "b/c"]) == "/a/0/b~1c"


@given(st.lists(st.text() | st.just("*")))
def test_any_names_survive_a_round_trip(names: list[str]) -> None:
    names = [name for name in names if name != ANY]
    assert split_pointer(join_pointer(names)) == names
    assert "".join(f"/{escape_name(name)}" for name in names) == join_pointer(names)


def test_a_star_is_any_element_and_a_member_called_so_is_not() -> None:
    assert split_pointer("/*/a*/~2") == [ANY, "a*", "*"]
    assert join_pointer([ANY, "a*", "*"]) == "/*/a*/~2"
    assert [bool(POINTER.fullmatch(text)) for text in ("/~2", "/a/~2/b", "/a~2", "/~2a", "/~3")] == [True, True] + [
        False
    ] * 3
