"""Decides how a source is modelled: from everything that was found in its documents, and what the user chose."""

from __future__ import annotations

from loader.declarations import source_names
from loader.declared_types import VALUE
from pipeline.errors import ModellingRefused
from pipeline.modelling.deciding.columns import OTHER_FIELDS, finished_column, in_order, other_fields
from pipeline.modelling.deciding.evidence import decisions
from pipeline.modelling.deciding.flag_paths import apply_types, check_paths
from pipeline.modelling.deciding.held import Held
from pipeline.modelling.deciding.keys.candidates import KeyChoice, chosen_key
from pipeline.modelling.deciding.keys.versions import chosen_version
from pipeline.modelling.deciding.layouts import file_patterns
from pipeline.modelling.deciding.naming.assigning import name_columns, name_tables
from pipeline.modelling.deciding.naming.names import Names
from pipeline.modelling.deciding.structure.drafts import DraftColumn, DraftTable
from pipeline.modelling.deciding.structure.maps import require_few_names
from pipeline.modelling.deciding.structure.merged_values import merged_paths
from pipeline.modelling.deciding.structure.tables import Structure, structure
from pipeline.modelling.deciding.structure.widths import MAX_ROW_BYTES, split_wide
from pipeline.modelling.deciding.taken_names import check_names
from pipeline.modelling.design import Decision, Design, Table
from pipeline.modelling.flags import Flags
from pipeline.modelling.profiling.profile import Profile
from pipeline.modelling.source_names import default_description
from waybill.json_pointers import join_pointer, split_pointer
from waybill.settings import get_settings


def design(profile: Profile, source: str, flags: Flags, held: Held | None = None) -> Design:
    """Return the model of a source. Equal for the same documents and flags, whatever their order.

    `held` has the decisions of a source that is modelled already.

    Raises:
        ModellingRefused: no document is an object, or a flag does not fit the documents.
    """
    if not profile.root.kinds["object"]:
        raise ModellingRefused(f"{source}: no document is an object with fields; give files of JSON objects")
    require_few_names(profile.root, source)
    key, version = (
        held.key_and_version(profile, flags) if held else chosen_version(profile, chosen_key(profile, flags), flags)
    )
    key_paths = tuple(tuple(split_pointer(pointer)) for pointer in key.pointers if pointer != VALUE)
    version_path = [tuple(split_pointer(version.choice))] if version.choice.startswith("/") else []
    identifying = frozenset((*key_paths, *version_path))
    kept, all_flags = (identifying | held.paths, held.flags(flags)) if held else (identifying, flags)
    found = structure(profile.root, profile.documents, all_flags, kept)
    check_paths(found, flags)
    apply_types(found, flags)
    if held:
        held.apply(found)
    name_tables(found.tables, source, flags)
    others = {table.path: split_wide(table, kept, held.others if held else frozenset()) for table in found.tables}
    _name_all(found, source, key, key_paths, flags)
    tables = tuple(_finished(table, others[table.path], key_paths, identifying) for table in found.tables)
    decided = [*decisions(profile, found, key, version), *_too_wide(found, others)]
    made = Design(
        source=source,
        description=default_description(source),
        files=file_patterns(profile, get_settings().raw_folder),
        key=key.pointers,
        version=version.choice,
        tables=tables,
        documents=profile.documents,
        is_dimension=flags.is_dimension,
        left_out=tuple(sorted(all_flags.left_out.items())),
        merged=merged_paths(found),
        decisions=tuple(decided),
        different_keys=_different_keys(profile, key.pointers),
    )
    check_names(made, source_names())
    return made


def _different_keys(profile: Profile, pointers: tuple[str, ...]) -> int | None:
    """Return how many keys the documents have, None if the profile did not count on."""
    if pointers == (VALUE,):
        return profile.documents - profile.repeated
    counted = next((one for one in profile.keys if set(one.pointers) == set(pointers)), None)
    return counted.documents - counted.repeats if counted and counted.repeats <= 1000 else None


def _name_all(found: Structure, source: str, key: KeyChoice, key_paths: tuple[Names, ...], flags: Flags) -> None:
    """Name the columns of all tables, the documents' own first: children have the names of its key, too."""
    root, *children = found.tables
    own = [f"{source}_key"] if key.pointers == (VALUE,) else []
    name_columns(root, own, flags)
    names = {column.path: column.name for column in root.columns}
    missing = next((path for path in key_paths if path not in names), None)
    if missing:
        raise ModellingRefused(f"--key {join_pointer(missing)}: the key must be a column, and this field is not one")
    key_columns = tuple(own) or tuple(names[path] for path in key_paths)
    for table in children:
        name_columns(table, key_columns, flags)


def _finished(
    table: DraftTable, others: list[DraftColumn], key_paths: tuple[Names, ...], identifying: frozenset[Names]
) -> Table:
    columns = [finished_column(column, identifying) for column in in_order(table.columns, key_paths)]
    if others:
        columns.append(other_fields(table, others))
    return Table(
        suffix=table.suffix,
        kind=table.kind,
        path=table.path_text,
        pointer=join_pointer(table.pointer),
        columns=tuple(columns),
        rows=table.rows,
        parent=table.parent.suffix if table.parent else None,
        number_column=table.own_key if table.kind == "array" else None,
        name_column=table.own_key if table.kind == "map" else None,
    )


def _too_wide(found: Structure, others: dict[Names, list[DraftColumn]]) -> list[Decision]:
    """Return the decisions about fields that a row has no room for."""
    return [
        Decision(
            table.path_text or "/",
            f"{len(columns):,} rarest fields in {OTHER_FIELDS}",
            f"{len(table.columns) + len(columns):,} columns could fill more than {MAX_ROW_BYTES:,} bytes of a row",
            "--leave-out PATH",
        )
        for table in found.tables
        if (columns := others[table.path])
    ]
