"""Errors that stop training and scoring.

ModelError                       base
├── TaskBroken                   a task's declaration cannot be used
├── ProposalRefused              no task can be proposed from what the user named
├── NothingToLearn               the table is missing, or has too few labelled rows of a class in a set
├── NoModel                      no model was trained yet
├── ArtefactBroken               the model's file was changed after it was saved; it is not loaded
│   └── ModelUnreadable          the system cannot read the model's file for the moment
├── OtherVersions                the model was saved with other library versions; it is not loaded
├── ModelRefused                 the model had learnt rows that were erased since, and must not predict
├── WorkersUnusable              Dask's scheduler or workers cannot be used
└── TableInUse                   the predictions need other columns, but something depends on their table
"""

from waybill.errors import WaybillError


class ModelError(WaybillError):
    """Raised when a model cannot be trained or used."""


class TaskBroken(ModelError):
    """Raised when `ml/tasks/<task>.yml` is missing or cannot be used."""


class ProposalRefused(ModelError):
    """Raised by `waybill new-task` when no task can be proposed for the table, label, time or group that were named."""


class NothingToLearn(ModelError):
    """Raised when the task's table is missing or empty, or a set of the split has too few rows of a class."""


class NoModel(ModelError):
    """Raised when no model was trained for the task."""


class ArtefactBroken(ModelError):
    """Raised before unpickling when the file's checksum differs from the manifest's."""


class ModelUnreadable(ArtefactBroken):
    """Raised when the system cannot read the file for the moment: an I/O error, no memory, or too many open files."""


class OtherVersions(ModelError):
    """Raised before unpickling when the version of Python or a library differs from the model's."""


class ModelRefused(ModelError):
    """Raised before unpickling when the model had learnt rows that were erased since, and must not predict."""


class TableInUse(ModelError):
    """Raised when `predictions.<task>` must get other columns, and a view depends on it."""


class WorkersUnusable(ModelError):
    """Raised when WAYBILL_DASK_SCHEDULER is set, but Dask is not installed, no worker answers or versions differ."""
