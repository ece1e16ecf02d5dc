"""The queries of generated assets: fields of the newest documents of a raw table, and columns of a mart."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.modelling.design import JSON, Column, Design, Table
from pipeline.modelling.writing.expecting.bounds import longest_text
from waybill.json_pointers import split_pointer

MAX_COLUMNS = 60  # of an asset: each costs time in every run
RAW_QUERY = """\
select
{columns}
from raw.{source} as raw
inner join (
    select
        batch_id,
        input_id,
        sum(landed) over (order by committed_at desc, batch_id desc) - landed as newer_documents
    from ledger.batches
    where source = '{source}' and batch_id not in (select undone.batch_id from ledger.undone_batches as undone)
) as batch on raw._batch_id = batch.batch_id
left join ledger.inputs as input on batch.input_id = input.input_id
where batch.newer_documents < {documents}"""
MART_QUERY = """\
select
{columns}
from marts.{mart}"""


def literal(text: str) -> str:
    """Return a text as a literal of PostgreSQL without signs that a library could read as a parameter or a field."""
    if text.isascii() and text.isprintable() and not set(text) & set(":{}%\\"):
        return "'" + text.replace("'", "''") + "'"
    return "U&'" + "".join(_escaped(sign) for sign in text) + "'"


def _escaped(sign: str) -> str:
    if sign.isascii() and sign.isprintable() and sign not in ":{}%\\'":
        return sign
    return f"\\{ord(sign):04X}" if ord(sign) < 0x10000 else f"\\+{ord(sign):06X}"


def checked_columns(design: Design, table: Table) -> list[Column]:
    """Return the columns that are checked: at most 60, those of the documents' key first."""
    keys = [column for column in table.columns if table.parent is None and column.name in design.key_columns]
    others = [column for column in table.columns if column not in keys and not column.others]
    return [*keys, *others][:MAX_COLUMNS]


def elements_name(table: Table) -> str:
    """Return the column of a raw asset that has the number of elements of an array."""
    return f"_{table.suffix}_elements"


def counted_arrays(design: Design) -> list[Table]:
    """Return the tables whose elements are counted in the raw documents: arrays directly in them."""
    return [table for table in design.children if table.kind == "array" and table.parent == design.root.suffix]


def raw_query(design: Design) -> str:
    """Return the query of the raw asset: the batches with the newest documents, as many as were profiled."""
    columns = ["coalesce(input.name, raw._batch_id::text) || ':' || raw._position as row_key"]
    columns += [f"{_member(column.pointer, '->>')} as {column.name}" for column in checked_columns(design, design.root)]
    for table in counted_arrays(design):
        array = _member(table.pointer, "->")
        length = f"jsonb_array_length(case when jsonb_typeof({array}) = 'array' then {array} end)"
        columns.append(f"coalesce({length}, 0) as {elements_name(table)}")
    return RAW_QUERY.format(source=design.source, documents=max(design.documents, 1), columns=_lines(columns))


def mart_query(design: Design, table: Table) -> str:
    """Return the query of a mart's asset; a row is named by its key."""
    key = design.primary_key(table)
    columns = [f"{key[0]}::text as row_key" if len(key) == 1 else f"concat_ws('-', {', '.join(key)}) as row_key"]
    for column in checked_columns(design, table):
        columns.append(_mart_column(column))
        is_key = table.parent is None and column.name in design.key_columns
        if longest_text(column) and not column.values and not is_key:
            columns.append(f"length({column.name}) as {length_name(column)}")
    return MART_QUERY.format(mart=design.mart(table), columns=_lines(columns))


def length_name(column: Column) -> str:
    """Return the column of a mart's asset that has the length of a text."""
    return f"_{column.name}_length"


def _mart_column(column: Column) -> str:
    if column.type == JSON:
        return f"case when {column.name} is not null then 1 end as {column.name}"
    return f"{column.name}::int as {column.name}" if column.type == "boolean" else column.name


def _member(pointer: str, operator: str) -> str:
    """Return the member of a document at a pointer, as JSON (`->`) or as text (`->>`)."""
    *above, name = map(literal, split_pointer(pointer))
    return " ".join(["raw.document", *(f"-> {member}" for member in above), operator, name])


def _lines(columns: Iterable[str]) -> str:
    return ",\n".join(f"    {column}" for column in columns)
