"""Why a task has no model that answers, in words that clients may read: without paths, logins or commands."""

from __future__ import annotations

from ml.errors import ArtefactBroken, ModelError, ModelRefused, ModelUnreadable, NoModel, OtherVersions, TaskBroken

KINDS: dict[type[ModelError], str] = {  # the first one that fits
    ModelUnreadable: "the model's file cannot be read for the moment",
    ArtefactBroken: "the model's file is not the one that was saved, or cannot be loaded",
    OtherVersions: "the model was saved with other versions of Python or of a library",
    ModelRefused: "the model learnt from rows that were erased since",
    NoModel: "there is no model for the task as it is declared now",
    TaskBroken: "the declaration of the task cannot be used",
}
IN_LOG = "the operator finds the reason in the log"


def kind_of(error: ModelError) -> str:
    """Return what kind of refusal it is, in a sentence that ends by pointing to the log."""
    found = (text for kind, text in KINDS.items() if isinstance(error, kind))
    return f"{next(found, 'the model cannot be used')}; {IN_LOG}"
