"""A mart of 900 orders for all tests of proposals: honest columns, and one leak of each kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ml.proposing.features import Decision
from ml.proposing.proposal import Asked, Proposal, propose
from tests.support.databases import fresh_database
from tests.support.small.task import execute

# `chance` is a number from 0 to 1 that looks random and is the same in every run; a third of the orders is cancelled.
ORDERS = """
create table marts.orders as
with numbered as (
    select n, is_cancelled, marts.chance(n, 2) as luck, marts.chance(n, 3) as noise, marts.chance(n, 4) as other
    from generate_series(1, 900) as n, lateral (select marts.chance(n, 1) < 0.33 as is_cancelled) as labelled
)
select 'o' || n as order_id, is_cancelled, 'c' || n % 60 as customer_id, (n * 7) % 900 as order_number,
    round((luck * 50 + case when is_cancelled then 8 else 0 end)::numeric, 2) as amount, n % 5 as items,
    'city ' || (floor(luck * 8))::int as city, noise < 0.4 as is_gift, 'street ' || n % 170 as street,
    'note ' || n as note, jsonb_build_object('n', n) as payload, 'EUR' as currency, null::text as empty,
    date '2024-01-01' + n / 9 as ordered_on, timestamptz '2024-01-01 10:00Z' + n * interval '160 min' as updated_at,
    case when is_cancelled then timestamptz '2024-05-01' + n * interval '1 hour' end as cancelled_at,
    case when is_cancelled then 'reason ' || n % 4 end as cancel_reason,
    case when not is_cancelled then n % 3 + 1 end as parcels,
    case when is_cancelled then 'yes' else 'no' end as was_called_off,
    case when is_cancelled then 2 else 1 + 2 * (n % 2) end as status_code,
    case when is_cancelled then 'void' else (array['sent', 'paid', 'new'])[1 + n % 3] end as state,
    case when is_cancelled then 0 else 10 + luck * 50 end as paid,
    is_cancelled <> (noise < 0.008) as is_nearly_cancelled,
    case when is_cancelled then abs(other - 0.5) < 0.1 else abs(other - 0.5) >= 0.1 end as is_odd,
    case when is_cancelled then 0.4 + other / 5 else other * 0.4 + case when luck < 0.5 then 0 else 0.6 end end as middle,
    case when noise < 0.1 then 'infinity'::float8 else luck end as rate,
    array['shop', 'phone', 'web'][1 + (n % 7) % 3] as channel, ((n % 7) % 3) * 10 as channel_code,
    case when (n % 7) % 3 = 1 then 'desk ' || n % 5 end as phone_desk,
    gen_random_uuid() as _batch_id, n::bigint as _position
from numbered;
"""
CHANCE = """
create function marts.chance(n int, salt int) returns float8 language sql immutable
return (hashint4extended(n, salt) & 1048575) / 1048576.0
"""


# The few big ones of `two_times` are early, on the 61st day and late.
OTHERS = [
    "create table marts.no_rows (id text primary key, label boolean)",
    "create table marts.no_key as select n % 3 as size, n % 2 = 0 as label from generate_series(1, 90) as n",
    "create view marts.a_view as select order_id, is_cancelled, amount, city from marts.orders",
    "create table marts.answers as select 'a' || n as id, n % 2 = 0 as has_answer, null::boolean as unknown, true as always,"
    " case when n % 3 = 0 then true end as only_true, 'kind ' || n % 100 as kind, n / 100.0 as price, n % 500 as size,"
    " case when n = 5 then 'once' else 'often ' || n % 2 end as rare,"
    " case when n = 5 then 'once' else 'often' end as lone, (array['a', 'b', ''])[1 + n % 3] as blank, now() as at, '{}'::jsonb as extra, n % 7 as week,"
    " case when n > 3 then 'g' || n % 9 end as some_group, n % 2 as half, case when n % 2 = 0 then 'e' else 'o' end as name"
    " from generate_series(1, 1500) as n",
    "alter table marts.answers add primary key (id), drop column at",
    "create table marts.two_times as select 't' || n as id, date '2024-01-01' + n as sent_on, date '2024-01-03' + n as paid_on,"
    " n in (1, 2, 3, 5, 8, 61, 63, 99) as is_big, n % 9 as size from generate_series(1, 100) as n",
    "create table marts.grouped as select 'p' || n as id, n % 30 in (3, 4, 5) as is_rare, 'team ' || n % 30 as team,"
    " 'league ' || n % case when n % 30 in (3, 4, 5) then 2 else 5 end as league, n % 7 as size from generate_series(1, 300) as n",
    "alter table marts.grouped add primary key (id)",
    "create table marts.only_leaks as select 'l' || n as id, n % 2 = 0 as label, n % 2 as copied"
    " from generate_series(1, 100) as n",
]


@pytest.fixture(scope="module")
def orders(server: None) -> Iterator[None]:
    """Create the marts in a database that all tests of a module read."""
    with fresh_database("proposals"):
        execute(
            CHANCE,
            ORDERS.replace("array['shop', 'phone', 'web'][", "(array['shop', 'phone', 'web'])["),
            "alter table marts.orders add primary key (order_id)",
            "create table marts.customers as select distinct customer_id from marts.orders",
            "alter table marts.customers add primary key (customer_id)",
            "alter table marts.orders add foreign key (customer_id) references marts.customers",
            *OTHERS,
            "create table intermediate.processed_batches (model text, batch_id uuid)",
            "create table intermediate.document_outcomes (_batch_id uuid, outcome text)",
            "grant select on all tables in schema intermediate to waybill_trainer",
            "grant select on all tables in schema marts to waybill_trainer, waybill_reader",
        )
        yield


@pytest.fixture
def proposed(orders: None) -> Callable[..., Proposal]:
    """Return a function that proposes a task on the orders."""

    def make(label: str = "is_cancelled", **given: str) -> Proposal:
        return propose(Asked("small", given.pop("table", "orders"), label, **given))

    return make


def by_name(proposal: Proposal) -> dict[str, Decision]:
    return {one.column.name: one for one in proposal.decisions}
