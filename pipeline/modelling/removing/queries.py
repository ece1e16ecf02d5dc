"""The queries by which the tables of sources, and what depends on them, are found in PostgreSQL's catalogue."""

from __future__ import annotations

HAS_STATE = "select to_regclass(%s) is not null"

RELATIONS = """
select schemas.nspname || '.' || classes.relname, classes.relkind::text
from pg_class as classes
inner join pg_namespace as schemas on classes.relnamespace = schemas.oid
where classes.relkind in ('r', 'p', 'v')
    and (
        (schemas.nspname in ('staging', 'intermediate', 'marts') and classes.relname = any(%(models)s))
        or (schemas.nspname = 'raw' and classes.relname = any(%(sources)s))
    )
order by 1
"""

# The view of a staging model is the only one that reads a raw table.
READ_RAW = """
select distinct classes.relname
from pg_depend as dependencies
inner join pg_rewrite as rules on dependencies.objid = rules.oid
inner join pg_class as classes on rules.ev_class = classes.oid
inner join pg_namespace as schemas on classes.relnamespace = schemas.oid
where dependencies.classid = 'pg_rewrite'::regclass and dependencies.refobjid = to_regclass(%(raw)s)
    and schemas.nspname = 'staging'
"""

MODELS_OF_SOURCE = """
select processed.model
from intermediate.processed_batches as processed
left join ledger.undone_batches as undone on processed.batch_id = undone.undo_id
inner join ledger.batches on batches.batch_id = coalesce(undone.batch_id, processed.batch_id)
group by processed.model
having bool_and(batches.source = %(source)s)
"""

# Views outside of the given ones that read one of them, directly or through others.
DEPENDENT_VIEWS = """
with recursive given as (
    select to_regclass(name)::oid as oid from unnest(%(names)s::text[]) as names (name)
),
reading (oid) as (
    select oid from given
    union
    select rules.ev_class
    from reading
    inner join pg_depend as dependencies on dependencies.refobjid = reading.oid
        and dependencies.refclassid = 'pg_class'::regclass and dependencies.classid = 'pg_rewrite'::regclass
    inner join pg_rewrite as rules on dependencies.objid = rules.oid
    where reading.oid is distinct from to_regclass(%(outcomes)s)
)
select reading.oid::regclass::text
from reading
where reading.oid not in (select given.oid from given where given.oid is not null)
    and reading.oid is distinct from to_regclass(%(outcomes)s)
order by 1
"""

FOREIGN_KEYS_FROM_OTHERS = """
select format('alter table %%s drop constraint %%I', conrelid::regclass, conname)
from pg_constraint
where contype = 'f'
    and confrelid in (select to_regclass(name)::oid from unnest(%(names)s::text[]) as names (name))
    and conrelid not in (select to_regclass(name)::oid from unnest(%(names)s::text[]) as names (name))
"""

OUTCOMES_OF_OTHERS = """
select distinct schemas.nspname || '.' || classes.relname
from pg_depend as dependencies
inner join pg_rewrite as rules on dependencies.objid = rules.oid
inner join pg_class as classes on dependencies.refobjid = classes.oid
inner join pg_namespace as schemas on classes.relnamespace = schemas.oid
where dependencies.classid = 'pg_rewrite'::regclass and rules.ev_class = to_regclass(%(outcomes)s)
    and classes.oid <> rules.ev_class
    and schemas.nspname || '.' || classes.relname <> all(%(dropped)s)
order by 1
"""

# table -> what removes the rows of models and sources from it
FORGET = {
    "intermediate.processed_batches": """
        delete from intermediate.processed_batches as processed
        where processed.model = any(%(models)s)
            or processed.batch_id in (
                select run_batches.batch_id from intermediate.run_batches where run_batches.source = any(%(sources)s)
            )
    """,
    "intermediate.run_batches": "delete from intermediate.run_batches where source = any(%(sources)s)",
    "intermediate.model_builds": "delete from intermediate.model_builds where model = any(%(models)s)",
    "intermediate.unused_rows": "delete from intermediate.unused_rows where mart = any(%(models)s)",
    "intermediate.rows_deleted": "delete from intermediate.rows_deleted where mart = any(%(models)s)",
    "intermediate.rebuilt_for": "delete from intermediate.rebuilt_for where model = any(%(models)s)",
    "intermediate.fields_not_adopted": "delete from intermediate.fields_not_adopted where source = any(%(sources)s)",
}
