"""Follows a model after it has scored: measures drift and realised figures, and sums up the alarms in one line."""

from __future__ import annotations

from ml.drift.measure import measure_drift
from ml.predict import Model
from warehouse.connection import cursor_of
from waybill.cli import shown_command
from waybill.text import counted, shown

MAX_NAMED = 3  # columns with an alarm in one line
ALARMS = """
select name, alarms from predictions.model_drift
where task = %s and model_id = %s and is_alarm
order by kind = 'score', psi desc nulls last, name
"""


def observe(model: Model) -> str:
    """Measure what has not been measured since the model's predictions were made; return the alarms for a summary.

    An alarm is a warning: it stops nothing. If the command is killed before the end, the next one measures.
    """
    measure_drift(model)
    return describe_alarms(model)


def describe_alarms(model: Model) -> str:
    """Return the kept alarms of a model for the end of a summary; empty if there is none."""
    with cursor_of("trainer") as cursor:
        cursor.execute(ALARMS, [model.task.task, model.model_id])
        found = cursor.fetchall()
    if not found:
        return ""
    named = ", ".join(f"{shown(name)} {' and '.join(alarms)}" for name, alarms in found[:MAX_NAMED])
    more = f" and {len(found) - MAX_NAMED} more" if len(found) > MAX_NAMED else ""
    command = shown_command(f"model-drift {model.task.task}")
    return f"; MODEL DRIFT in {counted(len(found), 'column')}: {named}{more}; `{command}` shows all"
