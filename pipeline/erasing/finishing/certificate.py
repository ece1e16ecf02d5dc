"""The certificate of an erasure: when, where was looked, counts, files of the project. It holds no key or value."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loader.erasing.erase import complete
from pipeline.erasing.finishing.erasure import Erasing
from pipeline.erasing.finishing.outputs import CERTIFICATES
from warehouse.connection import connect, current_warehouse
from waybill.atomic_files import write_atomic
from waybill.settings import Settings, get_settings


def certificate_path(settings: Settings, erasure_id: str) -> Path:
    """Return the file of a certificate."""
    return settings.reports_folder / CERTIFICATES / f"{erasure_id}.json"


def certify(erasing: Erasing) -> Path:
    """Record the erasure as complete with its certificate, and write the certificate to its file; return the file."""
    settings, erasure_id = get_settings(), erasing.recorded.erasure_id
    content = _certificate(erasing)
    path = certificate_path(settings, erasure_id)
    write_atomic(path, json.dumps(content, indent=1) + "\n")
    with closing(connect("keeper")) as keeper:
        complete(keeper, erasure_id, content)
    return path


def _certificate(erasing: Erasing) -> dict[str, Any]:
    recorded, warehouse = erasing.recorded, current_warehouse()
    return {
        "erasure_id": recorded.erasure_id,
        "source": recorded.source,
        "database": warehouse.settings.pgdatabase,
        "erased_at": recorded.erased_at.astimezone(UTC).isoformat(timespec="seconds"),
        "completed_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "keys": recorded.keys,
        "documents": recorded.documents,
        "rejects": recorded.rejects,
        "policy_for_models": recorded.models,
        **erasing.found,
        "left_to_others": erasing.left_to_others,
    }
