"""The meter measures commands, PostgreSQL and the broker separately, and costs almost nothing."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from kafka import KafkaProducer
from sqlalchemy import text

from pipeline.consumption.meter import BROKER, COMMANDS, ELSEWHERE, PAUSE_PER_COST, POSTGRESQL, Meter, Use, pause
from streaming.local_broker.process import broker_address
from streaming.local_broker.server import start_broker, stop_broker
from streaming.topics import create_topic
from tests.support.consumption import BURN, waiting
from tests.support.kafka.broker import own_broker_paths
from warehouse.connection import engine
from waybill.settings import get_settings


def part(use: Use, name: str) -> float:
    [found] = [one.cpu_seconds for one in use.parts if one.part == name]
    assert found is not None
    return found


@pytest.mark.skipif(not get_settings().is_embedded, reason="an external server's processes cannot be measured")
def test_the_servers_share_is_measured_apart_from_ours(database: str) -> None:
    with engine("reader").connect() as connection, Meter() as meter:
        connection.execute(text("select count(sqrt(n)) from generate_series(1, 3000000) as n"))
    assert part(meter.use, POSTGRESQL) > 5 * part(meter.use, COMMANDS)
    busy = part(meter.use, POSTGRESQL)
    assert busy > 0.1
    with engine("reader").connect() as connection, Meter() as meter:
        connection.execute(text("select pg_sleep(0.5)"))
    assert part(meter.use, POSTGRESQL) < busy / 2


def test_external_servers_are_reported_as_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "warehouse.invalid")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka.invalid:9092")
    with Meter() as meter:
        pass
    unseen = {one.part: one.unseen for one in meter.use.parts if one.unseen}
    assert unseen == {
        POSTGRESQL: "not measured: PGHOST names an external server",
        BROKER: "not measured: KAFKA_BOOTSTRAP_SERVERS names an external broker",
    }


def test_short_lived_children_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.consumption.meter.MIN_PAUSE_SECONDS", 3600)
    with Meter() as meter:
        for _ in range(5):
            subprocess.run([sys.executable, "-c", BURN.format(0.1)], check=True)
    assert part(meter.use, COMMANDS) >= 0.4  # ticks of 10 ms are rounded


def test_a_child_that_is_measured_alone_is_left_out_elsewhere() -> None:
    script = f"input()\n{BURN.format(0.5)}\nb = b'x' * 400_000_000\nprint(flush=True)\ninput()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin and child.stdout
        with Meter() as before:
            pass
        with Meter() as others, Meter(psutil.Process(child.pid)) as alone:
            child.stdin.write(b"\n")
            child.stdin.flush()
            child.stdout.readline()
        child.communicate(b"\n")
    assert part(alone.use, COMMANDS) >= 0.4
    assert part(others.use, COMMANDS) < 0.3
    assert alone.use.peak_bytes > 400_000_000
    assert others.use.peak_bytes < before.use.peak_bytes + 200_000_000
    assert {one.part: one.unseen for one in alone.use.parts if one.unseen} == {POSTGRESQL: ELSEWHERE}


def test_memory_of_children_is_measured() -> None:
    with waiting("b = b'x' * 200_000_000"), Meter() as meter:
        pass
    assert meter.use.peak_bytes > 200_000_000
    assert meter.use.peak_bytes >= meter.use.mean_bytes > 0


def written_by_children() -> int:
    return 512 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_oublock


def test_written_bytes_of_children_are_measured(tmp_path: Path) -> None:
    script = f"import os\nwith open({str(tmp_path / 'big')!r}, 'wb') as f: f.write(bytes(20_000_000)); os.fsync(f)"
    before = written_by_children()
    with Meter() as meter:
        subprocess.run([sys.executable, "-c", script], check=True)
    if written_by_children() - before < 20_000_000:
        pytest.skip("the system does not count what is written to this disk")
    [written] = [one.written_bytes for one in meter.use.parts if one.part == COMMANDS]
    assert written is not None and written >= 20_000_000


def test_an_idle_brokers_memory_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with waiting("b = b'x' * 200_000_000") as broker:
        roots = {COMMANDS: psutil.Process, BROKER: lambda: psutil.Process(broker.pid)}
        monkeypatch.setattr("pipeline.consumption.meter._parts", lambda settings: ({}, roots))
        with Meter() as meter:
            time.sleep(0.5)
        monkeypatch.setattr("pipeline.consumption.meter.MAX_IDLE_SHARE", 0)
        with Meter() as with_it:
            pass
    [ours] = meter.use.parts
    assert ours.part == COMMANDS
    assert (meter.use.peak_bytes, meter.use.mean_bytes) == (ours.peak_bytes, ours.mean_bytes)
    assert with_it.use.peak_bytes > meter.use.peak_bytes + 150_000_000


@pytest.mark.server
def test_a_brokers_share_appears_only_while_it_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = own_broker_paths(tmp_path / "kafka")
    monkeypatch.setenv("WAYBILL_STATE", str(tmp_path))
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    monkeypatch.setattr("pipeline.consumption.meter.MAX_IDLE_SHARE", 0)
    start_broker(paths)
    try:
        create_topic("t", 1)
        with Meter() as meter:
            producer = KafkaProducer(bootstrap_servers=broker_address(paths))
            for number in range(5000):
                producer.send("t", b"%d" % number)
            producer.flush(30)
            producer.close()
        share = part(meter.use, BROKER) / meter.use.wall_seconds
        assert share > 0
        # how much of the time it gets depends on the machine, and an idle broker uses some CPU, too
        monkeypatch.setattr("pipeline.consumption.meter.MAX_IDLE_SHARE", share / 2)
        deadline = time.monotonic() + 60
        while BROKER in {one.part for one in meter.use.parts} and time.monotonic() < deadline:
            with Meter() as meter:
                time.sleep(1)
        assert BROKER not in {one.part for one in meter.use.parts}
    finally:
        stop_broker(paths)


def test_measuring_takes_less_than_a_hundredth_of_the_time() -> None:
    assert PAUSE_PER_COST >= 100
    for cost in (0.0, 0.0001, 0.002, 0.5):
        assert cost <= 0.01 * pause(cost)
