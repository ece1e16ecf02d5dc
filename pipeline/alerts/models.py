"""Judges the current model of each task, from what the warehouse keeps about it: is it stale, have its rows drifted?"""

from __future__ import annotations

from sqlalchemy import Connection, text

from ml.errors import ArtefactBroken
from ml.registry.history import current_id, read_history
from ml.task import task_names
from pipeline.alerts.alert import Alert, Found, together, unjudged
from waybill.cli import shown_command
from waybill.text import counted

MAX_NAMED = 3
# A check names batches by source and input, which all batches of one topic partition share: it is the last of them.
STALE = """
select checks.checked_at, checks.changed_batches, (
    select batches.batch_id::text
    from ledger.named_batches as batches
    where concat(batches.source, ': ', batches.input_name) = replace(checks.changed_batches[1], ' (removed)', '')
    order by batches.committed_at desc
    limit 1
) as batch_id
from predictions.model_checks as checks
where checks.task = :task and checks.model_id::text = :model and checks.is_stale
"""
# A migration gives rows that another version has measured the time `epoch`: the next `score` measures them again.
DRIFTED = """
select name, alarms, measured_at, scored_at = 'epoch' as is_outdated
from predictions.model_drift
where task = :task and model_id::text = :model and is_alarm
order by kind = 'score' desc, psi desc nulls last, name
"""


def judge_models(connection: Connection) -> Found:
    """Return the alerts of all current models. The stored verdicts are read; nothing is compared or loaded."""
    found = []
    for task in task_names():
        try:
            model = current_id(task)
        except ArtefactBroken:  # `train`, `score` and the API say so, each when it needs the model
            continue
        if model:
            found += [Found(_judge_rows(connection, task, model)), _judge_drift(connection, task, model)]
    return together(found)


def _judge_rows(connection: Connection, task: str, model: str) -> list[Alert]:
    found = connection.execute(text(STALE), {"task": task, "model": model}).mappings().first()
    if found is None:
        return []
    batches = list(dict.fromkeys(found["changed_batches"]))
    more = f" and {len(batches) - MAX_NAMED} more" if len(batches) > MAX_NAMED else ""
    by = ", ".join(batches[:MAX_NAMED]) + more if batches else "by no batch: the table was rebuilt or edited by hand"
    has_challenger = (read_history(task).challenger or "") > model  # ids grow with time
    lost = "; a newer model was compared with it and is not better" if has_challenger else ""
    return [
        Alert(
            rule="model_stale",
            kind="task",
            name=task,
            message=f"the training rows of model {model} have changed since training ({by}){lost}",
            command=shown_command(f"models {task}" if has_challenger else f"train --task {task}"),
            batch_id=found["batch_id"],
            since=found["checked_at"],
            cause=f"{model} {sorted(batches)}",
        )
    ]


def _judge_drift(connection: Connection, task: str, model: str) -> Found:
    columns = connection.execute(text(DRIFTED), {"task": task, "model": model}).mappings().all()
    if not columns:
        return Found()
    if columns[0]["is_outdated"]:
        return unjudged(["model_drift"], f"an older version measured it: `{shown_command('score')}` measures it again")
    named = ", ".join(f"{row['name']} {' and '.join(row['alarms'])}" for row in columns[:MAX_NAMED])
    more = f" and {len(columns) - MAX_NAMED} more" if len(columns) > MAX_NAMED else ""
    number = counted(len(columns), "column differs", "columns differ")
    return Found(
        [
            Alert(
                rule="model_drift",
                kind="task",
                name=task,
                message=f"{number} from the rows that model {model} learnt from: {named}{more}",
                command=shown_command(f"model-drift {task}"),
                since=min(row["measured_at"] for row in columns),
                cause=f"{model} {sorted(row['name'] for row in columns)}",
            )
        ]
    )
