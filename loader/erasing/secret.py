"""The secret of erasures: keys of erased documents are kept only as hashes that nobody can compute without it."""

from __future__ import annotations

import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from loader.errors import EraseRefused
from waybill.atomic_files import write_private
from waybill.settings import Settings, relative_name

SECRET_BYTES = 32


def secret_file(settings: Settings) -> Path:
    """Return the file that holds the secret unless WAYBILL_ERASURE_SECRET does."""
    return settings.state_folder / "erasure_secret"


def read_secret(settings: Settings) -> bytes | None:
    """Return the secret of the variable, else of the file; None if there is none yet.

    Raises:
        EraseRefused: the file is empty or cannot be read.
    """
    if settings.waybill_erasure_secret:
        return settings.waybill_erasure_secret.get_secret_value().encode()
    path = secret_file(settings)
    try:
        text = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise EraseRefused(f"{relative_name(path)} cannot be read: {error}") from None
    if not text:
        raise EraseRefused(f"{relative_name(path)} is empty: restore it from a copy, or set WAYBILL_ERASURE_SECRET")
    return text.encode()


def make_secret(settings: Settings) -> bytes:
    """Return the secret; make a file with a new one if there is none."""
    if (found := read_secret(settings)) is not None:
        return found
    with suppress(FileExistsError):
        settings.state_folder.mkdir(parents=True)
    path = secret_file(settings)
    made = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    write_private(made, secrets.token_hex(SECRET_BYTES) + "\n")
    with suppress(FileExistsError):  # another command has made one meanwhile: its secret counts
        os.link(made, path)
    made.unlink()
    return read_secret(settings) or b""


def key_hash(secret: bytes, source: str, key: str) -> bytes:
    """Return the keyed hash of a document key: HMAC-SHA256 over the source, a NUL byte and the key.

    A reject can have half of a surrogate pair in its key.
    """
    return hmac.digest(secret, f"{source}\0{key}".encode("utf-8", "surrogatepass"), "sha256")


def secret_check(secret: bytes, erasure_id: UUID | str) -> bytes:
    """Return the bytes by which an erasure shows whether a secret is the one that its hashes were made with."""
    return hmac.digest(secret, str(erasure_id).encode(), "sha256")


def require_secret(secret: bytes | None, source: str, erasure_id: UUID | str, check: bytes) -> bytes:
    """Return the secret if an erasure was made with it.

    Raises:
        EraseRefused: there is no secret, or it is another one.
    """
    remedy = "set WAYBILL_ERASURE_SECRET to the secret that it was made with, or restore .waybill/erasure_secret"
    if secret is None:
        raise EraseRefused(
            f"documents of {source} were erased (erasure {erasure_id}), but the secret is gone: {remedy}"
        )
    if not hmac.compare_digest(secret_check(secret, erasure_id), check):
        raise EraseRefused(
            f"documents of {source} were erased (erasure {erasure_id}) with another secret than today's: {remedy}"
        )
    return secret
