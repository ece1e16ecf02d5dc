"""Says which version of the code does the work: the commit, its branch and the address of the repository."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit, urlunsplit

from waybill.project.git import ask_git
from waybill.settings import PROJECT

GIT_SECONDS = 2.0


@dataclass(frozen=True)
class CodeLocation:
    """A commit; `url` is the address of the repository without a login, or of the folder if it has no remote."""

    url: str
    version: str
    branch: str | None


@cache
def code_location() -> CodeLocation | None:
    """Return the commit that is checked out; None without git."""
    version = ask_git("rev-parse", "HEAD", seconds=GIT_SECONDS)
    if not version:
        return None
    branch = ask_git("rev-parse", "--abbrev-ref", "HEAD", seconds=GIT_SECONDS)
    url = without_login(ask_git("config", "--get", "remote.origin.url", seconds=GIT_SECONDS)) or PROJECT.as_uri()
    return CodeLocation(url, version, branch if branch != "HEAD" else None)


def without_login(url: str) -> str:
    """Return an address without the login and password, query and fragment, that may be in it."""
    if "://" not in url:  # git@host:path has no password
        return f"file://{url}" if url.startswith("/") else url
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
