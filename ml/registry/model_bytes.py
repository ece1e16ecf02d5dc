"""Writes a fitted model so that equal models have equal bytes, wherever fitted, and says if its files can be used."""

from __future__ import annotations

import gzip
import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ml.erasing.marks import is_refused

MODEL = "model.joblib"
NEW_MODEL = f"{MODEL}.new"  # of a model that is being rewritten: the manifest may have its checksum already
DENIED = "cannot be read: permission denied"
UNREADABLE = "cannot be read now"  # an error of the system that may pass
LASTING = (FileNotFoundError, PermissionError, NotADirectoryError, IsADirectoryError)  # the other OSErrors may pass
MANIFEST_DIGEST = "manifest_sha256"  # the member of a manifest; older ones have none
EDITED = "is unchanged, but its manifest.json was edited"
COMPRESSION = 3
PACKAGES = ("scikit-learn", "numpy", "scipy", "pandas", "joblib")


def write_model(model: Any, path: Path) -> None:
    """Write a model to a file that `joblib.load` reads; its bytes depend on its values alone.

    A pickle usually says which parts are the same object, such as a text or a list. What another process has fitted
    shares none of them, so equal models would have other bytes: here, each part is written in full wherever it is used.
    No part of a model may refer to itself.
    """
    from joblib.numpy_pickle import NumpyPickler

    # No time and no name in the file's head: they differ each time.
    with path.open("wb") as file, gzip.GzipFile("", "wb", COMPRESSION, file, mtime=0) as packed:
        pickler = NumpyPickler(packed)
        pickler.fast = True  # without the memory of what was written already
        pickler.dump(model)


def versions() -> dict[str, str]:
    """Return the Python and library versions that a model depends on."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def different_versions(manifest: dict[str, Any]) -> dict[str, tuple[str | None, str]]:
    """Return the libraries whose versions differ: name → the version in the manifest, and today's."""
    then = manifest["versions"]
    return {name: (then.get(name), now) for name, now in versions().items() if then.get(name) != now}


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sealed(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return a manifest with the SHA-256 of its other members, so that an edited figure is noticed."""
    others = {name: value for name, value in manifest.items() if name != MANIFEST_DIGEST}
    text = json.dumps(others, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return {**others, MANIFEST_DIGEST: hashlib.sha256(text.encode()).hexdigest()}


def is_edited(manifest: dict[str, Any]) -> bool:
    """Return True if a member has changed since the manifest was saved; False for older ones, which cannot say it."""
    return MANIFEST_DIGEST in manifest and sealed(manifest) != manifest


def file_problem(folder: Path, manifest: dict[str, Any]) -> str:
    """Return why the model's files are not the ones that were saved, empty if they are; reads all of the model."""
    try:
        is_saved = checksum(folder / MODEL) == manifest["sha256"]
    except FileNotFoundError:
        return "is missing"
    except PermissionError:
        return DENIED
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if not is_saved:
        return "is not the file that was saved"
    return EDITED if is_edited(manifest) else ""


def can_be_loaded(folder: Path, manifest: dict[str, Any]) -> bool:
    """Return True if the folder has the model of a readable manifest, saved with today's versions, and not refused."""
    return not is_refused(manifest) and not different_versions(manifest) and not file_problem(folder, manifest)
