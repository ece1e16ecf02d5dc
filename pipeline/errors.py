"""What stops a run, besides the errors of the packages that do the work.

WaybillError
└── PipelineError                base class
    ├── AnswerUnknown            no stored answer of the API has this id
    ├── ExportRefused            an export does not match its schema, its mart's row count or its foreign keys
    ├── EraseIncomplete          an erasure could not be completed; it is continued by the next `waybill erase`
    │   ├── NotRetrained         only new models are missing; those that had learnt erased rows are refused
    │   └── LogsOutdated         only the log beside some backups does not say what was erased
    ├── DbtFailed                a dbt model or test failed
    ├── ModellingRefused         a new source cannot be modelled: its name, a flag, its files or what exists already
    ├── DeclarationsChanged      the sources that dbt reads differ from the declarations
    ├── RunRefused               something that the run needs is missing
    ├── StageKilled              the process of a stage ended before its work was done
    ├── StagesBroken             the list of stages cannot be used
    └── StreamBroken             a process of the stream stopped, or its marts differ from the pipeline's
"""

from waybill.errors import WaybillError


class PipelineError(WaybillError):
    """Raised when a stage of the pipeline cannot do its work."""


class AnswerUnknown(PipelineError):
    """Raised when no stored answer of the API has the id that was asked for, or it was deleted since."""


class ExportRefused(PipelineError):
    """Raised when an export would break its schema or count. The last good file stays in place."""


class EraseIncomplete(PipelineError):
    """Raised when rows of erased documents are left somewhere, or cannot be removed. The erasure can be continued."""


class NotRetrained(EraseIncomplete):
    """Raised when an erasure lacks nothing but new models. Those that had learnt erased rows are refused."""


class LogsOutdated(EraseIncomplete):
    """Raised when a folder of backups is away: a restore of one of them would bring back what was erased."""


class DbtFailed(PipelineError):
    """Raised when a dbt model or test failed. Models downstream of it were not touched."""


class DeclarationsChanged(PipelineError):
    """Raised when a generated `_raw_<source>.yml` differs from `loader/sources`, or cannot be read."""


class ModellingRefused(PipelineError):
    """Raised when a new source cannot be modelled as asked. No file was written."""


class RunRefused(PipelineError):
    """Raised when something that the run needs is missing."""


class StageKilled(PipelineError):
    """Raised when the process of a stage that ran beside others ended before its work was done."""


class StagesBroken(PipelineError):
    """Raised when `pipeline/stages.yml` cannot be read, or a stage waits for one that does not come before it."""


class StreamBroken(PipelineError):
    """Raised when a producer, consumer or refresh failed, or the stream's marts differ from the pipeline's."""
