"""Profiles the documents of a source: all of them, first for the tree of paths, then for the keys."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from loader.declarations import Layout
from pipeline.errors import ModellingRefused
from pipeline.modelling.profiling.keys.counting import first_of_each
from pipeline.modelling.profiling.keys.examples import key_candidates
from pipeline.modelling.profiling.keys.fields import key_fields
from pipeline.modelling.profiling.keys.hashes import HashColumns, hash_documents
from pipeline.modelling.profiling.keys.search import fields_to_hash, find_keys, hash_fields
from pipeline.modelling.profiling.keys.watching import WatchedFields
from pipeline.modelling.profiling.profile import FileProfile, Node, Profile
from pipeline.modelling.profiling.reading.chunks import Pass
from pipeline.modelling.profiling.reading.inputs import Input, file_inputs
from pipeline.modelling.profiling.reading.progress import progress_bar
from pipeline.modelling.profiling.tree.fold import Fold, ManyNames
from pipeline.modelling.profiling.tree.fold import Path as TreePath
from pipeline.modelling.profiling.tree.kinds import Shapes, other_kinds
from waybill.temporary_files import temporary_folder

DOCUMENTS = "documents"  # the column of the hashes of whole documents


def profile(
    source: str,
    given: Sequence[str | Path],
    *,
    layout: Layout | None = None,
    records_at: str | None = None,
) -> Profile:
    """Read all documents of files, folders or standard input (`-`).

    Raises:
        LoaderError, ModellingRefused: a file cannot be read or changes meanwhile, or there is no document.
    """
    with file_inputs(source, given, layout, records_at) as (inputs, left):
        return profile_inputs(inputs, left_alone=str(left))


def profile_inputs(inputs: Sequence[Input], *, left_alone: str = "") -> Profile:
    """Read all documents of inputs: once for the tree, and again for what can only be looked for afterwards."""
    size_bytes = sum(each.size_bytes for each in inputs)
    with temporary_folder() as folder:
        columns = HashColumns(folder)
        watched = WatchedFields(columns)
        root, shapes, files = _read_tree(inputs, columns, watched, size_bytes)
        _refuse_nothing(files)
        kept = first_of_each(columns.column(DOCUMENTS))
        different = int(kept.sum())
        possible = key_fields(root)
        fields = fields_to_hash(possible, different)
        if unwatched := [field for field in fields if not watched.has(field)]:
            with progress_bar("looking for keys", size_bytes) as advance:
                for chunk in Pass(inputs, advance).chunks():
                    hash_fields(chunk, unwatched, columns)
        candidates = find_keys(fields, columns, columns.column(DOCUMENTS), kept) if fields else []
        with closing(Pass(inputs, lambda size: None).chunks()) as chunks:
            keys = key_candidates(candidates, different, chunks)
        kinds = shapes.kinds()
        told_apart = other_kinds(kinds, possible, Pass(inputs, lambda size: None).chunks()) if kinds else None
        return Profile(
            files=files,
            documents=root.documents,
            repeated=root.documents - different,
            root=root,
            keys=keys,
            reads_bytes=size_bytes,
            other_kinds=told_apart,
            left_alone=left_alone,
        )


def _read_tree(
    inputs: Sequence[Input], columns: HashColumns, watched: WatchedFields, size_bytes: int
) -> tuple[Node, Shapes, tuple[FileProfile, ...]]:
    """Return the tree, the shapes of the documents, and the files.

    Where objects turn out to have too many names, all is read once more with that path collapsed. So no count depends
    on when the names were seen.
    """
    collapsed: frozenset[TreePath] = frozenset()
    while True:
        columns.clear()
        watched.clear()
        try:
            with progress_bar("reading", size_bytes) as advance:
                reading = Pass(inputs, advance)
                fold, shapes = Fold(collapsed=collapsed), Shapes()
                for chunk in reading.chunks():
                    fold.add(chunk)
                    shapes.add(chunk)
                    columns.append(DOCUMENTS, hash_documents(chunk))
                    watched.add(chunk)
        except ManyNames as found:
            collapsed |= {found.path}
        else:
            root = fold.finished()
            root.parents = root.documents
            return root, shapes, reading.file_profiles()


def _refuse_nothing(files: Sequence[FileProfile]) -> None:
    """Raise an error that says why there is no document, if there is none."""
    if any(file.documents for file in files):
        return
    rejected = next((file for file in files if file.first_reject), None)
    if rejected:
        raise ModellingRefused(f"{rejected.name} has no document that can be landed: {rejected.first_reject}")
    names = ", ".join(file.name for file in files[:3])
    raise ModellingRefused(f"{names}: there are no documents: name files that have some")
