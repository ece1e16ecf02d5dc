"""Layout 14: the warehouse keeps whether each model's training rows were unchanged when they were last compared.

The trainer writes these checks. Who changes marts, the transformer and the keeper, may mark them as outdated.
"""

from __future__ import annotations

from warehouse.migrations.steps import acting_as, execute

revision = "14"
down_revision = "13"

TABLE = """
create table predictions.model_checks (
    task text not null,
    model_id uuid not null,
    mart text not null,
    checked_at timestamp with time zone default clock_timestamp() not null,
    is_stale boolean not null,
    is_outdated boolean default false not null,
    changed_batches text[] default '{{}}' not null,
    training_digest text not null,
    table_digest text not null,
    table_state text,
    primary key (task, model_id)
)
"""

# Every write gives its rows the id of its transaction, in xmin, so that the number of rows and a sum over these ids
# change with it. Reading them takes a tenth of the time that hashing the values takes.
STATE = """
create function predictions.table_state(mart text) returns text
language plpgsql stable set search_path = pg_catalog
as $function$
declare
    relation regclass := to_regclass(format('marts.%I', mart));
    state text;
begin
    if not exists (select from pg_class where oid = relation and relkind in ('r', 'm')) then
        return null;
    end if;
    execute format('select concat_ws('' '', count(*), sum(hashtextextended(xmin::text, 0))) from %s', relation)
    into state;
    return concat_ws(' ', relation::oid, state);
end
$function$
"""

GRANTS = """
grant usage on schema predictions to {transformer}, {keeper};
grant select, update (is_outdated) on predictions.model_checks to {transformer}, {keeper};
grant select on predictions.model_checks to {reader}
"""

COMMENTS = {
    "table predictions.model_checks": "Whether each model''s training rows were unchanged when last compared",
    "column predictions.model_checks.mart": "The table in schema marts that the model learnt from",
    "column predictions.model_checks.checked_at": "When the training rows were compared",
    "column predictions.model_checks.is_stale": "Whether the training rows had changed since training",
    "column predictions.model_checks.is_outdated": "Whether the table may have changed since",
    "column predictions.model_checks.changed_batches": "The batches that can have changed the training rows",
    "column predictions.model_checks.training_digest": "The hash of the training rows, as in the manifest of a model",
    "column predictions.model_checks.table_digest": "The hash of all rows of the table",
    "column predictions.model_checks.table_state": "What predictions.table_state returned; null for a view",
    "function predictions.table_state": "Returns a text that changes with every write to a table of schema marts",
}


def upgrade() -> None:
    """Create the table and the function; a task's table of this name is renamed."""
    with acting_as("trainer"):
        execute("alter table if exists predictions.model_checks rename to predictions_of_model_checks")
        execute(TABLE)
        execute(STATE)
        execute(GRANTS)
        for named, text in COMMENTS.items():
            execute(f"comment on {named} is '{text}'")
