"""Says which code makes a model: the tree of the package `ml` in git, and a digest of its files."""

from __future__ import annotations

import hashlib
from typing import Any

from waybill.project.git import ask_git
from waybill.settings import PROJECT

PACKAGE = "ml"
DECLARATIONS = "ml/tasks"  # they have their own digest in the manifest


def code_version() -> dict[str, Any]:
    """Return the version of the code that makes a model.

    `tree` is git's hash of the package in the last commit (`git rev-parse HEAD:ml`), or the digest where there is no
    git. `digest` is a SHA-256 over the files themselves, so uncommitted changes count. `is_changed` says whether they
    differ from the commit; it is None without git.
    """
    digest = digest_of_files()
    tree = ask_git("rev-parse", "--verify", "--quiet", f"HEAD:./{PACKAGE}")
    if not tree:
        return {"tree": digest, "digest": digest, "is_changed": None}
    changed = ask_git("status", "--porcelain", "--", PACKAGE, f":(exclude){DECLARATIONS}")
    return {"tree": tree, "digest": digest, "is_changed": bool(changed)}


def digest_of_files() -> str:
    """Return the SHA-256 over the names and contents of the package's files."""
    digest = hashlib.sha256()
    for path in sorted((PROJECT / PACKAGE).rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(PROJECT).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
