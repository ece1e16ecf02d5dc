"""Layout 9: tables of predictions are the same for every task; no column is named after one task's label."""

from __future__ import annotations

from warehouse.migrations.steps import acting_as, execute

revision = "9"
down_revision = "8"

RENAME_LABEL_COLUMNS = """
do $$
declare
    prediction_table text;
begin
    for prediction_table in
        select table_name from information_schema.columns
        where table_schema = 'predictions' and column_name = 'is_predicted_late'
    loop
        execute format(
            'alter table predictions.%I rename column is_predicted_late to is_predicted_positive', prediction_table
        );
    end loop;
end
$$
"""


def upgrade() -> None:
    """Rename the column in the table of every task."""
    with acting_as("trainer"):
        execute(RENAME_LABEL_COLUMNS)
