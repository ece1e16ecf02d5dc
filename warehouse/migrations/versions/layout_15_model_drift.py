"""Layout 15: how the rows since a model's training differ from it, and how good its predictions turned out to be."""

from __future__ import annotations

from warehouse.migrations.steps import acting_as, execute

revision = "15"
down_revision = "14"

TABLES = """
create table predictions.model_drift (
    task text not null,
    model_id uuid not null,
    kind text not null check (kind in ('number', 'category', 'score')),
    name text not null,
    measured_at timestamp with time zone default now() not null,
    scored_at timestamp with time zone not null,
    rows bigint not null,
    psi double precision,
    missing_share double precision,
    new_share double precision,
    size_ratio double precision,
    limits jsonb not null,
    alarms text[] not null,
    is_alarm boolean generated always as (cardinality(alarms) > 0) stored,
    primary key (task, model_id, kind, name)
);
create table predictions.realised_figures (
    task text not null,
    model_id uuid not null,
    month date,
    is_predicted boolean not null,
    measured_at timestamp with time zone default now() not null,
    rows bigint not null,
    metrics jsonb not null,
    unique nulls not distinct (task, model_id, month, is_predicted)
);
grant select on predictions.model_drift, predictions.realised_figures to {reader}
"""

COMMENTS = {
    "table predictions.model_drift": "One row per feature and score of a current model: the rows since its training",
    "column predictions.model_drift.kind": "number or category of a feature; score: the column of the predictions",
    "column predictions.model_drift.scored_at": "When the predictions were made that were measured",
    "column predictions.model_drift.rows": "Rows that the model did not learn from",
    "column predictions.model_drift.psi": "Population stability index of the values against those of training",
    "column predictions.model_drift.missing_share": "Share of the rows without a value",
    "column predictions.model_drift.new_share": "How much the share of values that training did not name has grown",
    "column predictions.model_drift.size_ratio": "Geometric mean of the sizes that are not zero, over that of training",
    "column predictions.model_drift.limits": "How far each measure may be; missing is a difference, scale a logarithm",
    "column predictions.model_drift.alarms": "Each measure that is beyond its limit, in words",
    "table predictions.realised_figures": "How good the stored predictions of a current model turned out, by month",
    "column predictions.realised_figures.month": "First day of the month of the rows; null if rows have no time",
    "column predictions.realised_figures.is_predicted": "True: rows that were scored before their label landed",
}


def upgrade() -> None:
    """Create both tables as the trainer; who reads predictions may read them. A task's table of a name is renamed."""
    with acting_as("trainer"):
        for name in ("model_drift", "realised_figures"):
            execute(f"alter table if exists predictions.{name} rename to predictions_of_{name}")
        execute(TABLES)
        for what, text in COMMENTS.items():
            execute(f"comment on {what} is '{text}'")
