"""What can stop training and scoring.

ModelError                       base
├── TaskBroken                   a task's declaration cannot be used
├── NothingToLearn               the table is missing or has no labelled rows where they are needed
├── NoModel                      nothing was trained yet
├── ArtefactBroken               the model's file is not the one that was saved; it is not loaded
└── OtherVersions                the model was saved with other library versions; it is not loaded
"""

from waybill.errors import WaybillError


class ModelError(WaybillError):
    """Raised when a model cannot be trained or used."""


class TaskBroken(ModelError):
    """Raised when `ml/tasks/<task>.yml` is missing or cannot be used."""


class NothingToLearn(ModelError):
    """Raised when the task's table is missing, empty, or has one class only in a part of the split."""


class NoModel(ModelError):
    """Raised when scoring finds no trained model."""


class ArtefactBroken(ModelError):
    """Raised before anything is unpickled, when the file's checksum is not the manifest's."""


class OtherVersions(ModelError):
    """Raised before anything is unpickled, when Python or a library is of another version."""
