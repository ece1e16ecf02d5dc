"""Documents of the tests' source `things`, and what is landed of them."""

from __future__ import annotations

import json
from collections import Counter

from tests.databases import rows


def document(number: int, **more: object) -> bytes:
    """Return one good document as bytes."""
    return json.dumps({"id": f"t{number}", "updated_at": "2013-01-01T00:00:00Z", **more}).encode()


def landed_ids() -> Counter[str]:
    """Return how often each document is landed."""
    return Counter(value for (value,) in rows("select document ->> 'id' from raw.things"))
