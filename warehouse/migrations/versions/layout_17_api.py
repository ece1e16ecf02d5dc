"""Layout 17: the role api reads marts and checks of models; tables of answers let it add rows."""

from __future__ import annotations

from warehouse.migrations.steps import acting_as, execute

revision = "17"
down_revision = "16"

MARTS = """
grant usage on schema marts to {api};
grant select on all tables in schema marts to {api};
alter default privileges in schema marts grant select on tables to {api}
"""
PREDICTIONS = """
grant usage on schema predictions to {api};
grant select on predictions.model_checks to {api}
"""


def upgrade() -> None:
    """Grant the role its rights, as the owners of the schemas."""
    with acting_as("transformer"):
        execute(MARTS)
    with acting_as("trainer"):
        execute(PREDICTIONS)
