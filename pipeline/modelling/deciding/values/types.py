"""Decides the type of the values at one path from the exact counts of their spellings."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.modelling.design import JSON, NUMBER_WRAPPERS
from pipeline.modelling.profiling.profile import Kind, Node, Numbers, Texts
from waybill.text import counted

SCALARS = ("string", "integer", "decimal", "boolean")
INTEGER, BIGINT = 2**31, 2**63
MAX_NUMERIC = 40  # characters of a numeric that staging reads
EXACT_SCALE = 4  # decimals up to which a number with a fraction is kept as numeric: amounts, percentages
NOUNS = {
    "decimal": ("number with a fraction", "numbers with a fraction"),
    "integer": ("whole number",),
    "empty object": ("{}", "{}"),
    "empty array": ("[]", "[]"),
}


@dataclass(frozen=True)
class TypeChoice:
    """A type, why it was chosen, and the flag or the line of the declaration that would change it, if one could."""

    type: str
    reason: str
    flag: str = ""


def kinds_of(node: Node) -> set[Kind]:
    """Return the kinds of values at a node that are not null."""
    return {kind for kind, count in node.kinds.items() if count and kind != "null"}


def counted_kinds(node: Node) -> str:
    """Return the kinds at a node with their counts, e.g. `12 strings, 3 whole numbers`."""
    counts = sorted((kind, count) for kind, count in node.kinds.items() if count and kind != "null")
    return ", ".join(counted(count, *NOUNS.get(kind, (kind,))) for kind, count in counts)


def scalar_type(node: Node, path: str, wrapper: tuple[str, ...] = ()) -> TypeChoice:
    """Return the type of scalars (and nulls) at one path."""
    kinds = kinds_of(node)
    if not kinds:
        return TypeChoice("text", "always null")
    if kinds == {"boolean"}:
        return TypeChoice("boolean", counted(node.kinds["boolean"], "boolean"))
    if kinds <= {"integer", "decimal"}:
        is_date = wrapper == ("$date",) and kinds == {"integer"}
        return _milliseconds(node.numbers.count, path) if is_date else _number_type(node.numbers, kinds, path)
    if kinds != {"string"}:
        return _mixed_type(node, kinds, path)
    if wrapper == ("$date", "$numberLong") and node.texts.numerals == node.texts.count:
        return _milliseconds(node.texts.count, path)
    if wrapper and wrapper[-1] in NUMBER_WRAPPERS:
        return _wrapped_number(node, wrapper[-1])
    return _text_type(node.texts, path)


def _mixed_type(node: Node, kinds: set[Kind], path: str) -> TypeChoice:
    """Return jsonb for values of several kinds. Numbers beside words for a missing value could be a number."""
    reason = f"values of several kinds: {counted_kinds(node)}"
    missing = node.texts.blank + sum(node.texts.missing.values())
    if "boolean" in kinds or missing < node.texts.count:
        return TypeChoice(JSON, reason, f"--type {path}=text")
    number = _number_type(node.numbers, kinds - {"string"}, path).type
    return TypeChoice(JSON, reason, _missing_line(node.texts, path, number))


def _missing_line(texts: Texts, path: str, type_: str) -> str:
    """Return what a user can declare so that words for a missing value become null."""
    words = ", ".join(sorted(texts.missing) + ['""'] * bool(texts.blank))
    return f"missing_texts: {{{path}: [{words}]}} in the declaration, and type {type_} in staging"


def _milliseconds(count: int, path: str) -> TypeChoice:
    return TypeChoice("epoch_milliseconds", f"{count:,} numbers of milliseconds in $date")


def _wrapped_number(node: Node, wrapper: str) -> TypeChoice:
    """Return the type of numerals in a wrapper; text if one is not a number that staging reads, such as Infinity."""
    texts = node.texts
    what = f"{texts.numerals:,} of {texts.count:,} are numerals in {wrapper}"
    is_short = texts.max_length <= {"$numberDecimal": MAX_NUMERIC, "$numberDouble": 400}.get(wrapper, 20)
    has_exponent = node.distinct is not None and any("e" in text.lower() for text in node.distinct)
    if texts.numerals < texts.count or not is_short or (has_exponent and wrapper != "$numberDouble"):
        return TypeChoice("text", what)
    types = {"$numberDouble": "double precision", "$numberDecimal": "numeric"}
    return TypeChoice(types.get(wrapper, "bigint"), what)


def _number_type(numbers: Numbers, kinds: set[Kind], path: str) -> TypeChoice:
    low, high = numbers.lowest or 0, numbers.highest or 0
    is_short = numbers.max_digits <= MAX_NUMERIC
    span = f"{shown(numbers.lowest)} to {shown(numbers.highest)}"
    if not is_short:  # the declaration says why a column is JSON, and has no values
        span = f"of up to {numbers.max_digits} digits"
    if kinds == {"integer"}:
        for type_, limit in (("integer", INTEGER), ("bigint", BIGINT)):
            if -limit <= low and high < limit:
                return TypeChoice(type_, f"whole numbers {span}")
        return TypeChoice("numeric" if is_short else JSON, f"whole numbers {span}, beyond bigint")
    decimals = f"numbers {span}, at most {counted(numbers.max_scale, 'decimal')}"
    if numbers.max_scale <= EXACT_SCALE and is_short:
        return TypeChoice("numeric", decimals)
    if not numbers.not_doubles:
        return TypeChoice("double precision", f"{decimals}, each exact as a double")
    longer = f"{decimals}, {numbers.not_doubles:,} of {numbers.count:,} would lose digits as a double"
    return TypeChoice("numeric" if is_short else JSON, longer)


def shown(number: object) -> str:
    """Return a number in short: as written up to 20 characters, else rounded."""
    text = f"{number:f}" if hasattr(number, "as_tuple") else str(number)
    return text if len(text) <= 20 else f"{number:.3e}"


def _text_type(texts: Texts, path: str) -> TypeChoice:
    count, missing = texts.count, texts.blank + sum(texts.missing.values())
    spellings = {
        "date": (texts.dates, "dates"),
        "timestamptz": (texts.times - texts.fine_times, "times with an offset"),
    }
    for type_, (found, what) in spellings.items():
        if found == count:
            return TypeChoice(type_, f"{found:,} of {count:,} are {what}")
        if found and found + missing == count:
            others = f"the other {missing:,} mean no value"
            evidence = f"{found:,} of {count:,} are {what}, {others}"
            return TypeChoice("text", evidence, _missing_line(texts, path, type_))
    return _other_text(texts, path)


def _other_text(texts: Texts, path: str) -> TypeChoice:
    count = texts.count
    if texts.times == count:
        return TypeChoice(
            "text",
            f"times with an offset, {texts.fine_times:,} of {count:,} finer than microseconds",
            f"--type {path}=timestamptz",
        )
    if texts.local_times and texts.local_times + texts.times == count:
        evidence = f"{texts.local_times:,} of {count:,} are times without an offset"
        zoned = f"--type {path}='timestamptz in Europe/Paris'"
        return TypeChoice("text", evidence, zoned if texts.times else f"{zoned} or --type {path}=timestamp")
    if texts.numerals == count:
        zeros = f", {texts.zero_numerals:,} with leading zeros" if texts.zero_numerals else ""
        flag = "" if zeros else f"--type {path}=numeric"
        return TypeChoice("text", f"{counted(count, 'string')} that spell a number{zeros}", flag)
    if texts.uuids == count:
        return TypeChoice("text", f"{count:,} UUIDs")
    return TypeChoice("text", f"{counted(count, 'string')}, at most {counted(texts.max_length, 'character')}")
