"""Chooses the field that orders the documents of one key, and finds one by which a source may withdraw documents."""

from __future__ import annotations

import json
import re

from loader.declared_types import DELIVERY, VALUE
from pipeline.errors import ModellingRefused
from pipeline.modelling.deciding.keys.candidates import LAST, NAME, KeyChoice, field_class, node_at
from pipeline.modelling.deciding.naming.names import snake_case
from pipeline.modelling.deciding.values.types import kinds_of, scalar_type
from pipeline.modelling.design import Decision
from pipeline.modelling.flags import Flags
from pipeline.modelling.profiling.profile import KeyCandidate, Node, Profile
from waybill.json_pointers import join_pointer, split_pointer
from waybill.text import counted

VERSION_NAME = re.compile(
    r"(date_?)?(last_)?(updated?|modified|changed|revised|edited)(_(at|on|date|time|timestamp))?"
    r"|(.+_)?(version|revision)(_(number|no))?|rev|ts|lsn|etag_number|sys_mod_count|(updated?|modified|change)_(at|time|ts)"
)
WHOLE_NUMBERS = ("integer", "bigint")
VERSION_TYPES = ("timestamptz", *WHOLE_NUMBERS, "epoch_milliseconds")
STATUS_NAME = re.compile(r"(is_)?(deleted|withdrawn|removed|archived|retracted|cancell?ed)|(.+_)?(status|state)")
WITHDRAWN = re.compile(r"(deleted?|withdrawn|removed|retracted|cancell?ed|archived|void(ed)?|revoked)", re.IGNORECASE)


def version_pointers(profile: Profile) -> list[str]:
    """Return the fields that can be a version, best first: named like one, in all documents, a time or whole number."""
    found = [pointer for pointer, node in _scalars(profile.root, ()) if _is_version(pointer, node, profile.documents)]
    return sorted(found, key=lambda pointer: (pointer.count("/"), len(pointer), pointer))


def chosen_version(profile: Profile, key: KeyChoice, flags: Flags) -> tuple[KeyChoice, Decision]:
    """Return the key and the decision about the version; the key is shorter if a version explains its repeats."""
    if flags.version is not None:
        return key, Decision("version", flags.version, _checked(profile, flags.version), "--version")
    if key.pointers == (VALUE,) and flags.key_is_value:
        return key, Decision("version", DELIVERY, "equal documents are one: their order decides nothing", "--version")
    versions = [pointer for pointer in version_pointers(profile) if flags.key == () or pointer not in flags.key]
    if not flags.key:
        explained = _explained_by(profile, versions)
        if explained and _is_worse(key, explained[0], profile):
            return explained[0], Decision("version", explained[1], explained[0].evidence, "--version")
    versions = [pointer for pointer in versions if pointer not in key.pointers]
    if not versions or key.pointers == (VALUE,):
        return key, Decision("version", DELIVERY, "no field in all documents orders them", "--version")
    node = node_at(profile, versions[0]) or Node()
    choice = scalar_type(node, versions[0])
    if choice.type in WHOLE_NUMBERS:  # the reason has the lowest and the highest one
        return key, Decision("version", versions[0], "in all documents", "--version", choice.reason)
    return key, Decision("version", versions[0], f"in all documents: {choice.reason}", "--version")


def withdrawal_hint(profile: Profile) -> Decision | None:
    """Return a hint to declare a field by which the source withdraws documents; it is never applied."""
    for pointer, node in sorted(_scalars(profile.root, ())):
        name = snake_case(split_pointer(pointer)[-1])
        if not STATUS_NAME.fullmatch(name) or node.distinct is None:
            continue
        values = {json.loads(text): count for text, count in node.distinct.items()}
        is_flag = name.removeprefix("is_") and not name.endswith(("status", "state"))
        found = sorted(
            str(value).lower() if isinstance(value, bool) else str(value)
            for value in values
            if (value is True and is_flag) or (isinstance(value, str) and WITHDRAWN.fullmatch(value))
        )
        if found:
            count = sum(counted for value, counted in values.items() if str(value) in found or value is True)
            line = f"withdrawn_when: {{{pointer}: [{', '.join(found)}]}} in the declaration"
            return Decision("withdrawn_when", "not declared", f"{counted(count, 'document')} with such a value", line)
    return None


def _scalars(node: Node, names: tuple[str, ...]) -> list[tuple[str, Node]]:
    """Return pointer and node of the scalars below objects, down to three levels."""
    found = []
    for name, member in node.members.items():
        path = (*names, name)
        if member.members and len(path) < 3:
            found += _scalars(member, path)
        elif not member.members and member.elements is None:
            found.append((join_pointer(path), member))
    return found


def _is_version(pointer: str, node: Node, documents: int) -> bool:
    names = split_pointer(pointer)
    wrapper = tuple(name for name in names if name.startswith("$"))
    own = [name for name in names if not name.startswith("$")]
    present = sum(node.kinds.values()) - node.kinds["null"]
    if not own or present < documents or not VERSION_NAME.fullmatch(snake_case(own[-1])):
        return False
    return scalar_type(node, pointer, wrapper).type in VERSION_TYPES


def _explained_by(profile: Profile, versions: list[str]) -> tuple[KeyChoice, str] | None:
    """Return a key that repeats, in fewer than half of the documents, and the version with which it is unique."""
    unique = [set(candidate.pointers) for candidate in profile.keys if candidate.is_unique]
    for candidate in profile.keys:
        is_rare = 0 < candidate.repeats * 2 < candidate.documents
        is_id = len(candidate.pointers) == 1 and field_class(candidate.pointers[0], profile) <= NAME
        if not is_rare or not is_id:
            continue
        for version in versions:
            is_unique = any(fields <= {*candidate.pointers, version} for fields in unique)
            if is_unique and version not in candidate.pointers:
                return _with_version(candidate, version), version
    return None


def _with_version(candidate: KeyCandidate, version: str) -> KeyChoice:
    keys = candidate.documents - candidate.repeats
    evidence = f"{keys:,} keys in {candidate.documents:,} documents, unique together with {version}"
    return KeyChoice(candidate.pointers, evidence)


def _is_worse(key: KeyChoice, other: KeyChoice, profile: Profile) -> bool:
    """Return True if a key is none, is a time or row number, or holds all fields of the other one."""
    if key.pointers == (VALUE,) or set(key.pointers) > set(other.pointers):
        return True
    return all(field_class(pointer, profile) == LAST for pointer in key.pointers)


def _checked(profile: Profile, version: str) -> str:
    if version == DELIVERY:
        return "as the flag says"
    node = node_at(profile, version)
    if node is None:
        raise ModellingRefused(f"--version {version}: no document has this field; name one, or {DELIVERY}")
    kinds = kinds_of(node)
    if len(kinds) != 1 or not kinds <= {"string", "integer", "decimal"}:
        raise ModellingRefused(f"--version {version}: a version is a time, number or text; name another field")
    missing = profile.documents - sum(node.kinds[kind] for kind in kinds)
    return "as the flag says" + (f"; {missing:,} documents have none and become rejects" if missing else "")
