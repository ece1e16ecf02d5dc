"""Marks the models of a task that had learnt erased rows, and takes out of their files what only those rows had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ml.erasing.learnt import ErasedRows, count_learnt
from ml.erasing.marks import mark_of, marked, store_mark
from ml.erasing.mart_rows import MartRows
from ml.erasing.model_files import complete_rewriting, forget_rows, rewrite_model
from ml.erasing.model_texts import find_lost, forget_texts, may_name_texts, without_texts
from ml.erasing.report import ErasedFromModels, MarkedModel, Policy
from ml.erasing.subjects import Subject
from ml.registry.folders import FoundModel, find_models
from ml.registry.history import changing, current_id
from ml.registry.model_bytes import MODEL, different_versions, file_problem
from ml.registry.retention import delete_models
from warehouse.connection import cursor_of
from waybill.settings import relative_name


@dataclass(frozen=True)
class Marking:
    """The erasure, its policy, the rows that a mart had before, if that is known, and what became of them."""

    erasure_id: UUID
    policy: Policy
    before: MartRows | None
    erased: ErasedRows


def mark_models(subject: Subject, marking: Marking, report: ErasedFromModels) -> None:
    """Mark each model that had learnt erased rows, and take such rows and texts out of the files of all models.

    1. Write the mark into the warehouse. 2. Write it into the manifest, with the model if its texts change. 3. Delete
    the rows from `evaluation.npz`, which said that the model had learnt them: a repetition does not find them again.
    """
    if not find_models(subject.task):
        return
    delete_models(subject.task, lambda model: model.is_partial)  # of a training that was killed
    with changing(subject.task) as history:
        current = history.current or current_id(subject.task)
        for model in find_models(subject.task):
            if not {"features", "label"} <= model.manifest.keys():
                report.unchecked.append(f"{relative_name(model.folder)} {model.problem}: what it holds is not known")
                continue
            complete_rewriting(model)
            found = _mark_model(subject.task, model, marking, is_current=model.model_id == current)
            if found:
                report.models.append(found)
                if found.named_texts is None:
                    report.unchecked.append(
                        f"{relative_name(model.folder / MODEL)} cannot be searched for texts that only erased rows had"
                    )


def _mark_model(task: str, model: FoundModel, marking: Marking, *, is_current: bool) -> MarkedModel | None:
    """Rewrite what changes of one model; return its mark, or None if it had learnt no erased row."""
    learnt = count_learnt(model, marking.erased)
    is_refused = marking.policy != "keep-marked"
    manifest = model.manifest
    mark = mark_of(manifest, marking.erasure_id)
    if learnt.rows or mark:
        manifest = marked(manifest, marking.erasure_id, learnt, is_refused=is_refused)
        mark = mark_of(manifest, marking.erasure_id) or {}
        with cursor_of("trainer") as cursor:  # 1.
            store_mark(cursor, task, model.model_id, marking.erasure_id, rows=mark["rows"], is_refused=is_refused)
    pipeline, manifest, named = _without_texts(model, manifest, marking)
    if pipeline is not None or manifest != model.manifest:
        rewrite_model(model, manifest, pipeline)  # 2.
    forget_rows(model.folder, marking.erased.gone_of)  # 3.
    if mark is None:
        return None
    return MarkedModel(
        task, model.model_id, is_current, mark["rows"], mark["is_exact"], mark["is_refused"], named_texts=named
    )


def _without_texts(
    model: FoundModel, manifest: dict[str, Any], marking: Marking
) -> tuple[Any, dict[str, Any], int | None]:
    """Return the model if it named lost texts, None if not; the manifest without them; how many must stay in both.

    A file that was saved with other library versions, or is not the one that was saved, is never unpickled: of it, the
    number is None, unless no text was lost. So it is of an older model that has no encoders of today's kind.
    """
    lost = find_lost(marking.before, marking.erased.now)
    manifest, classes = without_texts(manifest, lost)
    if not may_name_texts(manifest, marking.before, marking.erased.now):
        return None, manifest, classes
    if model.problem or different_versions(manifest) or file_problem(model.folder, model.manifest):
        return None, manifest, None
    import joblib

    try:
        pipeline = joblib.load(model.folder / MODEL)
        forgotten = forget_texts(pipeline, lost)
    except Exception:  # whatever unpickling, or another kind of model, may raise
        return None, manifest, None
    return (pipeline if forgotten else None), manifest, classes
