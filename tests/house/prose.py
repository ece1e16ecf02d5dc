"""Yields what people read in the project: documents, comments, docstrings, help texts and messages."""

from __future__ import annotations

import ast
import io
import json
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

from waybill.settings import PROJECT

WHOLE = {".md", ".yml", ".yaml", ".toml", ".sql", ".html", ".js", ".css", ".sh", ".in", ".example"}  # read as a whole
NAMES = {"Makefile", "Dockerfile", "run", ".dockerignore", ".gitattributes"}
Line = tuple[str, int, str]  # file, number, text


def prose(*folders: str) -> Iterator[Line]:
    """Yield the lines that people read in the files of git below these folders, or in all files."""
    names = subprocess.check_output(["git", "ls-files", "-z", *folders], cwd=PROJECT, text=True).split("\0")
    for name in filter(None, names):
        path = PROJECT / name
        if path.is_file():
            yield from ((name, number, text) for number, text in _of_file(path))


def _of_file(path: Path) -> Iterator[tuple[int, str]]:
    if path.suffix == ".py":
        yield from _of_python(path.read_text())
    elif path.suffix == ".ipynb":
        for cell in json.loads(path.read_text())["cells"]:
            yield from _numbered("".join(cell["source"]))
    elif path.suffix in WHOLE or path.name in NAMES or (path.suffix == ".json" and "schema" in path.name):
        yield from _numbered(path.read_text())


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    yield from enumerate(text.splitlines(), start=1)


def _of_python(source: str) -> Iterator[tuple[int, str]]:
    """Yield comments and the text of string constants, which are docstrings, help texts, messages and SQL."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for offset, text in enumerate(node.value.splitlines()):
                yield node.lineno + offset, text
