"""Sums up what a dbt build depends on: the project's files, versions, variables and the tables of the warehouse."""

from __future__ import annotations

import hashlib
import os
import platform
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from warehouse.connection import connect
from warehouse.dbt_login import DBT_PROJECT, target_folder
from warehouse.unchanged.table_states import BATCHES, States, table_states

PACKAGES = ("dbt-core", "dbt-postgres", "dbt-adapters", "dbt-common", "Jinja2")
WRITTEN_BY_DBT = ("target", "logs")  # beside the project's own folders; so is what begins with a dot
SCHEMAS = {"raw", "ledger", "staging", "intermediate", "marts"}
VARIABLE = re.compile(r"""\benv_var\(\s*['"]([^'"]*)['"]""")
# What the states of the tables do not show, in the text of a query: the clock, chance, what models have predicted and
# what runs record.
UNSEEN = re.compile(
    r"\b(now|(clock|statement|transaction)_timestamp|timeofday|random|random_normal|gen_random_uuid|uuidv[47]|age)\s*\("
    r"|\b(current_date|current_time|current_timestamp|localtime|localtimestamp)\b"
    r"|'(now|today|tomorrow|yesterday)'|\bpredictions\s*\.|\bledger\.(runs|stage_runs|stage_run_parts|backups)\b",
    re.IGNORECASE,
)
UNSEEN_BY_JINJA = re.compile(r"\b(run_started_at|invocation_id|modules\s*\.\s*(datetime|pytz))\b")
NOT_LOOKED_AT = ("operation", "unit_test")  # the project's hooks keep records, and a unit test brings its own rows
OWN_CLOCK = "processed_at = transaction_timestamp()"  # in new_batches(): finds the rows of its own transaction

# Source → how many rows of the ledger each transaction wrote for it, in the tables from which models read.
OF_SOURCES = """
with written (source, part, written_by) as (
    select source, 'batches', xmin::text from ledger.batches
    union all
    select source, 'inputs', xmin::text from ledger.inputs
    union all
    select source, 'erasures', xmin::text from ledger.erasures
    union all
    select source, 'erased_documents', erased.xmin::text
    from ledger.erased_documents as erased inner join ledger.erasures using (erasure_id)
    union all
    select source, 'undone_batches', undone.xmin::text
    from ledger.undone_batches as undone inner join ledger.batches using (batch_id)
    union all
    select source, 'rejects', rejects.xmin::text
    from ledger.rejects inner join ledger.batches using (batch_id)
    union all
    select source, 'drift', drift.xmin::text
    from ledger.drift inner join ledger.batches using (batch_id)
)
select source, md5(string_agg(concat_ws(' ', part, written_by, number), ',' order by part, written_by))
from (select source, part, written_by, count(*) as number from written group by source, part, written_by) as counted
group by source
"""


@dataclass(frozen=True)
class Basis:
    """A digest of the project, the state of each table, and that of each source in the ledger."""

    project: str
    tables: States
    sources: States


def current_basis() -> Basis:
    """Return what a build that began at this moment would depend on. dbt's variables must be set."""
    project = {path: path.read_bytes() for path in _project_files()}
    text = b"\n".join(project.values()).decode(errors="replace")
    names = {*re.findall(r"\w+", text), *(path.stem for path in project)}
    return Basis(_digest_project(project, text), *_read_tables(names))


def reads_unseen(nodes: Iterable[object]) -> bool:
    """Return True if the query of a model or test depends on something else, such as the clock or chance."""
    for node in nodes:
        if getattr(node, "resource_type", None) in NOT_LOOKED_AT:
            continue
        query = str(getattr(node, "compiled_code", None) or "").replace(OWN_CLOCK, "")
        if UNSEEN.search(query) or UNSEEN_BY_JINJA.search(str(getattr(node, "raw_code", None) or "")):
            return True
    return False


def _project_files() -> Iterator[Path]:
    """Yield the files of the project in a fixed order, without those that dbt writes itself."""
    target = Path(os.path.normpath(target_folder()))
    for folder, folders, files in os.walk(DBT_PROJECT, followlinks=True):
        here = Path(folder)
        folders[:] = sorted(
            name
            for name in folders
            if here / name != target
            and name != "__pycache__"
            and not (here == DBT_PROJECT and (name in WRITTEN_BY_DBT or name.startswith(".")))
        )
        yield from (here / name for name in sorted(files) if here != DBT_PROJECT or not name.startswith("."))


def _digest_project(project: Mapping[Path, bytes], text: str) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for path, content in project.items():
        digest.update(repr((str(path), len(content))).encode())
        digest.update(content)
    versions = [platform.python_version(), *(version(name) for name in PACKAGES)]
    names = {name for name in VARIABLE.findall(text) if "SECRET" not in name}
    names |= {name for name in os.environ if name.startswith("DBT_") and "SECRET" not in name}
    variables = {name: os.environ.get(name) for name in sorted(names)}
    digest.update(repr((versions, variables, str(target_folder()))).encode())
    return digest.hexdigest()


def _read_tables(named: Collection[str]) -> tuple[States, States]:
    """Return the states of all tables and sources. Rows of other schemas count only if the project names the table."""
    with closing(connect("transformer")) as connection, connection.cursor() as cursor:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        states = table_states(connection, rows_of=lambda schema, table: schema in SCHEMAS or table in named)
        cursor.execute(BATCHES)
        states["ledger.batches"] += f" {cursor.fetchone()[0]}"  # type: ignore[index]
        cursor.execute(OF_SOURCES)
        return states, dict(cursor.fetchall())
