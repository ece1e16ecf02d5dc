"""Says what an erase has done, or what a dry run found that it would do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from loader.erasing.wanted import Found
from pipeline.erasing.asked import without_key_lines
from pipeline.erasing.kinds import Kind
from pipeline.erasing.lineage import Lineage
from waybill.cli import shown_command
from waybill.settings import relative_name
from waybill.text import counted

if TYPE_CHECKING:
    from pipeline.erasing.erase import Complete


def complete_lines(complete: Complete) -> Iterator[str]:
    """Yield the lines of a completed erasure."""
    recorded = complete.recorded
    documents, rejects = counted(recorded.documents, "document"), counted(recorded.rejects, "reject")
    yield f"{recorded.source:<12} erased {documents} and {rejects} of {counted(recorded.keys, 'key')}"
    if coordinates := list(complete.coordinates()):
        yield "their sources are not Waybill's to change, and may still hold them:"
        yield from (f"  {one}" for one in coordinates)
    if complete.files:
        yield "other files hold a key, and stay:"
        yield from (f"  {relative_name(path)}" for path in complete.files)
    if complete.left_to_others:
        yield "left to others, as the certificate says:"
        yield from (f"  {sentence}" for sentence in complete.left_to_others)
    yield from complete.remarks
    yield f"certificate: {relative_name(complete.certificate)}"
    yield f"reports and exports were deleted: `{shown_command('run')}` makes them again"


def dry_lines(found: Found, lineage: Lineage) -> Iterator[str]:
    """Yield what a dry run found."""
    name = found.wanted.name
    documents, rejects = counted(len(found.documents), "document"), counted(len(found.rejects), "reject")
    yield f"{name:<12} would erase {documents} and {rejects} of {counted(len(found.keys), 'key')}"
    for document in sorted(found.documents.values()):
        yield f"  {document.coordinate}"
    for reject in found.rejects:
        how = "" if reject.how == "key" else ", which holds the values of a key as text"
        yield f"  {reject.coordinate}, a reject{how}"
    yield from without_key_lines(found)
    for reject in found.perhaps:
        yield f"  {reject.coordinate} {reject.doubt}"
    tables = [relation for relation in lineage.downstream(name).stored if relation.kind != Kind.SEED]
    if tables:
        yield f"made from {name}, and built again: {', '.join(map(str, tables))}"
    if found.other_sources:
        others = ", ".join(found.other_sources)
        yield f"documents of {others} have the same key, and stay: erase them by their own source"
    yield "nothing written: this is what would be erased"
