"""Errors that stop training and scoring.

ModelError                       base
├── TaskBroken                   a task's declaration cannot be used
├── NothingToLearn               the table is missing or has no labelled rows in a set of the split
├── NoModel                      no model was trained yet
├── ArtefactBroken               the model's file was changed after it was saved; it is not loaded
└── OtherVersions                the model was saved with other library versions; it is not loaded
"""

from waybill.errors import WaybillError


class ModelError(WaybillError):
    """Raised when a model cannot be trained or used."""


class TaskBroken(ModelError):
    """Raised when `ml/tasks/<task>.yml` is missing or cannot be used."""


class NothingToLearn(ModelError):
    """Raised when the task's table is missing or empty, or a set of the split lacks one of the two labels."""


class NoModel(ModelError):
    """Raised when no model was trained for the task."""


class ArtefactBroken(ModelError):
    """Raised before unpickling when the file's checksum differs from the manifest's."""


class OtherVersions(ModelError):
    """Raised before unpickling when the version of Python or a library differs from the model's."""
