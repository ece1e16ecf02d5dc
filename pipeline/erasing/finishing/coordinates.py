"""Lists where erased documents came from: files and topics are not Waybill's to change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from warehouse.connection import connect
from waybill.settings import PROJECT

COORDINATES = """
with erased as (
    select batch_id, position from ledger.erased_documents where erasure_id = %(erasure)s
    union
    select batch_id, position from ledger.rejects where erased_by = %(erasure)s
)
select distinct inputs.feed, coalesce(names.name, inputs.name) as name, erased.position
from erased
inner join ledger.batches on erased.batch_id = batches.batch_id
inner join ledger.inputs on batches.input_id = inputs.input_id
left join ledger.input_names as names on inputs.input_id = names.input_id
order by 2, 3
"""


def list_coordinates(erasure_id: str) -> Iterator[str]:
    """Yield the coordinate of each erased document and reject, under each name that its file had, and what is there."""
    with closing(connect("reader")) as reader, reader, reader.cursor() as cursor:
        cursor.execute(COORDINATES, {"erasure": erasure_id})
        for feed, name, position in cursor.fetchall():
            is_gone = feed == "file" and not (PROJECT / name).exists()
            yield f"{name}:{position}{' (the file is not there)' if is_gone else ''}"
