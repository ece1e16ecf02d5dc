"""Layout 16: predictions that were made before their label landed are kept when the row is scored again."""

from __future__ import annotations

from warehouse.migrations.steps import acting_as, execute

revision = "16"
down_revision = "15"

TABLE = """
create table predictions.realised_predictions (
    task text not null,
    model_id uuid not null,
    key text not null,
    probabilities double precision[] not null,
    scored_at timestamp with time zone not null,
    landed_at timestamp with time zone not null,
    primary key (task, model_id, key),
    check (landed_at > scored_at)
);
grant select on predictions.realised_predictions to {reader}
"""

COMMENTS = {
    "table predictions.realised_predictions": "One row per task, model and row that was scored before its label landed",
    "column predictions.realised_predictions.key": "The key of the row as text, of several columns as text of a row",
    "column predictions.realised_predictions.probabilities": "Of two classes the positive one, else one per class",
    "column predictions.realised_predictions.landed_at": "When the document landed that the labelled row is made from",
}


def upgrade() -> None:
    """Create the table as the trainer; a task's table of its name is renamed."""
    with acting_as("trainer"):
        execute("alter table if exists predictions.realised_predictions rename to predictions_of_realised_predictions")
        execute(TABLE)
        for what, text in COMMENTS.items():
            execute(f"comment on {what} is '{text}'")
