"""The outcomes: what becomes of a landed document. Every landed document has exactly one.

dbt assigns them; the view `intermediate.document_outcomes` shows them; a test keeps this list and dbt's equal.

current     its values are in the marts
duplicate   the same key, version and value as another document, which is kept
superseded  another document with the same key has a higher version, or was delivered later
uncastable  a value cannot be converted to its column's type, or the document contradicts itself; the reason says which
filtered    it is the last document of its key, and says that the marts must not show it

A document that was undone or erased has none of them any more: it is counted in the ledger. dbt calls it `undone` until
every model has read that.
"""

CURRENT = "current"
OUTCOMES = (CURRENT, "duplicate", "superseded", "uncastable", "filtered")
UNDONE = "undone"
ERASED = "erased"
HAS_OUTCOMES = "select to_regclass('intermediate.document_outcomes') is not null"

REJECT_REASONS = ("not_utf8", "not_json", "not_storable", "breaks_contract", "too_large", "cut_off")
