"""Layout 5: schemas, roles' rights and the ledger, as the last Waybill without migrations made them.

This is where every database begins: an empty one here, one that was made before there were migrations after it.
"""

from __future__ import annotations

from warehouse.migrations.steps import execute

revision = "5"
down_revision = None

OWNED_BY = {
    "staging": "transformer",
    "intermediate": "transformer",
    "marts": "transformer",
    "predictions": "trainer",
}
READ_BY = {
    "raw": ("transformer", "reader"),
    "ledger": ("loader", "transformer", "trainer", "reader"),
    "staging": ("reader",),
    "intermediate": ("reader", "trainer", "loader"),
    "marts": ("trainer", "reader", "loader"),
    "predictions": ("reader", "loader"),
}

LEDGER = """
create table ledger.inputs (
    input_id uuid not null,
    source text not null,
    feed text not null,
    digest text,
    topic_id text,
    partition bigint,
    name text not null,
    size_bytes bigint,
    layout text,
    next_position bigint default 1 not null,
    next_byte bigint,
    is_complete boolean default false not null,
    first_seen_at timestamp with time zone default now() not null,
    primary key (input_id),
    unique (source, digest),
    unique (source, topic_id, partition),
    check (feed in ('file', 'kafka')),
    check ((feed = 'file') = (digest is not null))
);
create table ledger.layout (
    version bigserial not null,
    made_at timestamp with time zone default now() not null,
    primary key (version)
);
create table ledger.runs (
    run_id uuid not null,
    command text not null,
    started_at timestamp with time zone default now() not null,
    ended_at timestamp with time zone,
    outcome text default 'running' not null,
    detail text,
    versions jsonb not null,
    primary key (run_id),
    check (outcome in ('running', 'succeeded', 'failed'))
);
create table ledger.batches (
    batch_id uuid not null,
    input_id uuid not null,
    run_id uuid not null,
    source text not null,
    feed text not null,
    first_position bigint not null,
    next_position bigint not null,
    first_byte bigint,
    contract_digest text not null,
    read bigint not null,
    landed bigint not null,
    rejected bigint not null,
    skipped bigint not null,
    sent_at timestamp with time zone,
    committed_at timestamp with time zone default clock_timestamp() not null,
    primary key (batch_id),
    constraint batches_balance check (read = landed + rejected + skipped),
    constraint batches_feed check (feed in ('file', 'kafka', 'replay')),
    constraint batches_counts check (
        read >= 0 and landed >= 0 and skipped >= 0 and (rejected >= 0 or feed = 'replay' and read = 0)
    ),
    foreign key(input_id) references ledger.inputs (input_id),
    foreign key(run_id) references ledger.runs (run_id)
);
create table ledger.gaps (
    gap_id uuid not null,
    input_id uuid not null,
    run_id uuid not null,
    first_position bigint not null,
    next_position bigint not null,
    reason text not null,
    accepted_at timestamp with time zone default clock_timestamp() not null,
    primary key (gap_id),
    foreign key(input_id) references ledger.inputs (input_id),
    foreign key(run_id) references ledger.runs (run_id)
);
create table ledger.input_names (
    input_id uuid not null,
    name text not null,
    first_seen_at timestamp with time zone default now() not null,
    primary key (input_id, name),
    foreign key(input_id) references ledger.inputs (input_id)
);
create table ledger.stage_runs (
    stage_run_id uuid not null,
    run_id uuid,
    kind text not null,
    stage text not null,
    machine text not null,
    started_at timestamp with time zone not null,
    outcome text not null,
    rows bigint not null,
    wall_seconds double precision not null,
    cpu_seconds double precision not null,
    peak_bytes bigint not null,
    mean_bytes bigint not null,
    read_bytes bigint,
    written_bytes bigint,
    energy_joules double precision not null,
    co2_grams double precision not null,
    energy_method text not null,
    assumptions jsonb not null,
    primary key (stage_run_id),
    check (kind in ('stage', 'command')),
    check (outcome in ('succeeded', 'failed')),
    check (energy_method in ('rapl', 'estimate')),
    foreign key(run_id) references ledger.runs (run_id)
);
create table ledger.drift (
    batch_id uuid not null,
    pointer text not null,
    json_type text not null,
    documents bigint not null,
    primary key (batch_id, pointer, json_type),
    foreign key(batch_id) references ledger.batches (batch_id)
);
create table ledger.rejects (
    batch_id uuid not null,
    position bigint not null,
    reason text not null,
    detail text not null,
    pointer text,
    bytes bytea not null,
    first_byte bigint not null,
    length bigint not null,
    fingerprint uuid not null,
    replayed_by uuid,
    primary key (batch_id, position),
    check (reason in ('not_utf8', 'not_json', 'not_storable', 'breaks_contract', 'too_large', 'cut_off')),
    foreign key(batch_id) references ledger.batches (batch_id),
    foreign key(replayed_by) references ledger.batches (batch_id)
);
create table ledger.stage_run_parts (
    stage_run_id uuid not null,
    part text not null,
    cpu_seconds double precision,
    peak_bytes bigint,
    mean_bytes bigint,
    read_bytes bigint,
    written_bytes bigint,
    unseen text,
    primary key (stage_run_id, part),
    check ((unseen is null) = (cpu_seconds is not null)),
    foreign key(stage_run_id) references ledger.stage_runs (stage_run_id)
);
create index ix_ledger_batches_input_id on ledger.batches (input_id);
create index ix_ledger_batches_source on ledger.batches (source);
create index ix_ledger_stage_runs_run_id on ledger.stage_runs (run_id);
create index ix_ledger_stage_runs_stage on ledger.stage_runs (stage)
"""

LOADER_GRANTS = """
grant usage on schema raw to {loader};
alter default privileges in schema raw grant select, insert on tables to {loader};
grant insert on ledger.runs, ledger.inputs, ledger.input_names, ledger.batches to {loader};
grant insert on ledger.rejects, ledger.drift, ledger.gaps to {loader};
grant insert on ledger.stage_runs, ledger.stage_run_parts to {loader};
grant update (ended_at, outcome, detail) on ledger.runs to {loader};
grant update (next_position, next_byte, is_complete) on ledger.inputs to {loader};
grant update (replayed_by) on ledger.rejects to {loader}
"""


def upgrade() -> None:
    """Create the schemas, the ledger's tables and the roles' rights."""
    execute("create schema raw")
    for schema, owner in OWNED_BY.items():
        execute(f"create schema {schema} authorization {{{owner}}}")
    execute(LEDGER)
    for schema, roles in READ_BY.items():
        for_owner = f"for role {{{OWNED_BY[schema]}}}" if schema in OWNED_BY else ""
        for role in roles:
            execute(f"grant usage on schema {schema} to {{{role}}}")
            execute(f"grant select on all tables in schema {schema} to {{{role}}}")
            execute(f"alter default privileges {for_owner} in schema {schema} grant select on tables to {{{role}}}")
    execute(LOADER_GRANTS)
