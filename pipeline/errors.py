"""What stops a run after the marts.

WaybillError
└── PipelineError                base of what the pipeline raises
    ├── ExportRefused            an export does not match its schema, its mart's count or its foreign keys
    ├── DbtFailed                a dbt model or test failed
    ├── RunRefused               another run is at work, or what it needs is missing
    └── StreamBroken             a stream's process stopped, or its marts are not the pipeline's
"""

from waybill.errors import WaybillError


class PipelineError(WaybillError):
    """Raised when a stage of the pipeline cannot be done."""


class ExportRefused(PipelineError):
    """Raised when an export would not be what it promises; the last good file stays in place."""


class DbtFailed(PipelineError):
    """Raised when a dbt model or test failed; the models after it were not touched."""


class RunRefused(PipelineError):
    """Raised when another run is at work on the same database, or what the run needs is not there."""


class StreamBroken(PipelineError):
    """Raised when a producer, consumer or refresh failed, or the stream's marts are not the pipeline's."""
