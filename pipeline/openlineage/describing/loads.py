"""Describes loads and consumers by what the ledger has recorded for their run, also if they were killed."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.openlineage.datasets import Described, file, table, topic
from pipeline.openlineage.state_changes import StateChange
from pipeline.openlineage.warehouse_reader import WarehouseReader
from waybill.settings import PROJECT

MAX_FILES = 100  # of more, the folder is named: a dataset for each of thousands of files would hide the others
READ = """
select inputs.name, inputs.feed, sum(batches.read)::bigint
from ledger.batches
inner join ledger.inputs on batches.input_id = inputs.input_id
where batches.run_id = %s and batches.source = %s
group by inputs.input_id, inputs.name, inputs.feed
order by inputs.name
"""
LANDED = """
select coalesce(sum(landed), 0)::bigint, coalesce(sum(rejected), 0)::bigint
from ledger.batches
where run_id = %s and source = %s
"""


def describe_load(change: StateChange, reader: WarehouseReader) -> Described:
    """Return the files that were read, the raw table, and the table of rejects if there are any."""
    found = _describe_landed(change, reader)
    if change.state == "START":
        return found
    run, source = change.begun.work.facts["ledger_run"], change.begun.work.name
    read = {_path(name): count for name, _, count in reader.rows(READ, run, source)}
    if len(read) > MAX_FILES:
        folder = os.path.commonpath([path.parent for path in read])
        found.inputs.append(file(folder).as_input(rows=sum(read.values()), files=len(read)))
    else:
        found.inputs += [file(path).as_input(rows=count, files=1) for path, count in read.items()]
    return found


def describe_consume(change: StateChange, reader: WarehouseReader) -> Described:
    """Return the topic, the raw table, and the table of rejects if there are any."""
    found = _describe_landed(change, reader)
    facts = change.begun.work.facts
    read = None
    if change.state != "START":
        read = sum(count for _, _, count in reader.rows(READ, facts["ledger_run"], change.begun.work.name))
    found.inputs.append(topic(facts["servers"], facts["topic"]).as_input(rows=read))
    return found


def _describe_landed(change: StateChange, reader: WarehouseReader) -> Described:
    source = change.begun.work.name
    raw = table(reader, "raw", source)
    if change.state == "START":
        return Described(outputs=[raw.as_output()])
    counts = reader.rows(LANDED, change.begun.work.facts["ledger_run"], source)
    landed, rejected = counts[0] if counts else (None, None)
    outputs = [raw.as_output(rows=landed)]
    if rejected:
        outputs.append(table(reader, "ledger", "rejects").as_output(rows=rejected))
    return Described(outputs=outputs)


def _path(name: str) -> Path:
    return Path("/dev/stdin") if name == "-" else PROJECT / name
