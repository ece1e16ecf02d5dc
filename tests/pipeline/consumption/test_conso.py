"""What the work took is measured where it was done, kept in the ledger, and compared with what it used to take."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner
from kafka import KafkaProducer
from sqlalchemy import text

from expectations.checkpoints import CheckpointOutcome
from pipeline.conso import main
from pipeline.consumption.energy import Energy, EnergyMeter
from pipeline.consumption.history import Work, keep
from pipeline.consumption.meter import BROKER, COMMANDS, PAUSE_PER_COST, POSTGRESQL, Meter, Use, pause
from pipeline.consumption.process_tree import ProcessTree
from pipeline.errors import RunRefused
from pipeline.runner import run_stage
from pipeline.stages import WORK, Outcome
from streaming.cluster import create_topic
from streaming.local_broker import server as local_broker
from streaming.local_broker.process import address
from tests.streaming.conftest import own_place
from tests.support.databases import rows
from tests.support.small_warehouse import build_marts, build_raw
from warehouse.connection import engine
from warehouse.runs import recorded_run
from waybill.errors import WaybillError
from waybill.settings import get_settings

ENERGY = Energy(10.0, 1.0, "estimate", {"busy_watts": 3.5, "idle_watts": 0.74, "grid_grams_per_kwh": 473})
USE = Use(10.0, 5.0, 500_000_000, 400_000_000, 0, 0, ENERGY, [])
BURN = "import time\nwhile time.process_time() < {}: pass"
NOW = datetime(2013, 1, 1, tzinfo=UTC)


def burn(seconds: float) -> None:
    """Use so much CPU time in this process, however long that takes."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def part(use: Use, name: str) -> float:
    [found] = [one.cpu_seconds for one in use.parts if one.part == name]
    assert found is not None
    return found


def stage(name: str) -> tuple[float, float, int]:
    [found] = rows(
        "select wall_seconds, cpu_seconds, rows from ledger.stage_runs where stage = %s order by started_at desc limit 1",
        name,
    )
    return found


def test_an_idle_and_a_busy_stage_of_equal_length_differ_by_their_cpu_share(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "pipeline.consumption.energy._packages", lambda powercap: {}
    )  # a machine that measures no energy itself
    monkeypatch.setenv("WAYBILL_BUSY_WATTS", "3.5")
    monkeypatch.setenv("WAYBILL_IDLE_WATTS", "0.74")
    run_stage("train", work=lambda: Outcome(300, str(burn(0.6))))
    busy_wall, busy_cpu, _ = stage("train")
    run_stage("score", work=lambda: Outcome(0, str(time.sleep(busy_wall))))
    idle_wall, idle_cpu, _ = stage("score")
    assert idle_wall >= busy_wall
    assert busy_cpu >= 0.5
    assert idle_cpu < busy_cpu / 3
    joules = dict(rows("select stage, energy_joules from ledger.stage_runs"))
    assert joules["train"] - joules["score"] == pytest.approx((busy_cpu - idle_cpu) * (3.5 - 0.74), rel=0.01)


@pytest.mark.skipif(not get_settings().is_embedded, reason="an external server's processes are not ours to see")
def test_the_servers_share_is_seen_beside_ours(database: str) -> None:
    with engine("reader").connect() as connection, Meter() as meter:
        connection.execute(text("select count(sqrt(n)) from generate_series(1, 3000000) as n"))
    assert part(meter.use, POSTGRESQL) > 5 * part(meter.use, COMMANDS)
    busy = part(meter.use, POSTGRESQL)
    assert busy > 0.1
    with engine("reader").connect() as connection, Meter() as meter:
        connection.execute(text("select pg_sleep(0.5)"))
    assert part(meter.use, POSTGRESQL) < busy / 2


def test_an_external_server_is_not_ours_to_see(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "warehouse.invalid")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka.invalid:9092")
    with Meter() as meter:
        pass
    unseen = {one.part: one.unseen for one in meter.use.parts if one.unseen}
    assert unseen == {
        POSTGRESQL: "not ours to see: PGHOST names a server of yours",
        BROKER: "not ours to see: KAFKA_BOOTSTRAP_SERVERS names a broker of yours",
    }


def test_children_that_came_and_went_between_two_looks_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.consumption.meter.SHORTEST_PAUSE_SECONDS", 3600)
    with Meter() as meter:
        for _ in range(5):
            subprocess.run([sys.executable, "-c", BURN.format(0.1)], check=True)
    assert part(meter.use, COMMANDS) >= 0.4  # ticks of 10 ms are rounded


def look_until(tree: ProcessTree, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds() and time.monotonic() < deadline:
        tree.look(psutil.Process())
        time.sleep(0.01)
    assert holds()


def children() -> int:
    """Return how many processes the tests' own has below it; other tests may have left a server for forks there."""
    return len(psutil.Process().children(recursive=True))


@contextmanager
def waiting(work: str = "pass") -> Iterator[subprocess.Popen[bytes]]:
    """Run a child that has done a work and lives until the block ends."""
    command = [sys.executable, "-c", f"{work}; print(flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield child
        child.communicate(b"\n")


def test_a_child_that_outlives_its_parent_is_followed_to_its_end() -> None:
    before = children()
    orphan = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {BURN.format(0.4)!r}]); input()"
    tree = ProcessTree(psutil.Process)
    with subprocess.Popen([sys.executable, "-c", orphan], stdin=subprocess.PIPE) as parent:
        look_until(tree, lambda: tree.others == before + 2)
        parent.communicate(b"\n")
    assert tree.others == before + 2
    look_until(tree, lambda: tree.others == before)
    assert tree.taken.cpu_seconds >= 0.2  # what came after the last look is lost


def test_a_tree_that_another_part_counts_is_left_out() -> None:
    before = children()
    with waiting() as child:
        with_it, without = ProcessTree(psutil.Process), ProcessTree(psutil.Process)
        with_it.look(psutil.Process())
        without.look(psutil.Process(), {child.pid})
    assert (with_it.others - before, without.others - before) == (1, 0)
    assert with_it.memory_bytes > without.memory_bytes


def test_memory_is_that_of_the_work() -> None:
    with waiting("b = b'x' * 200_000_000"), Meter() as meter:
        pass
    assert meter.use.peak_bytes > 200_000_000
    assert meter.use.peak_bytes >= meter.use.mean_bytes > 0


def written_by_children() -> int:
    return 512 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_oublock


def test_written_bytes_are_those_of_the_work(tmp_path: Path) -> None:
    script = f"import os\nwith open({str(tmp_path / 'big')!r}, 'wb') as f: f.write(bytes(20_000_000)); os.fsync(f)"
    before = written_by_children()
    with Meter() as meter:
        subprocess.run([sys.executable, "-c", script], check=True)
    if written_by_children() - before < 20_000_000:
        pytest.skip("the system does not count what is written to this disk")
    [written] = [one.written_bytes for one in meter.use.parts if one.part == COMMANDS]
    assert written is not None and written >= 20_000_000


def test_an_idle_brokers_memory_is_left_out_with_its_part(monkeypatch: pytest.MonkeyPatch) -> None:
    with waiting("b = b'x' * 200_000_000") as broker:
        roots = {COMMANDS: psutil.Process, BROKER: lambda: psutil.Process(broker.pid)}
        monkeypatch.setattr("pipeline.consumption.meter._parts", lambda settings: ({}, roots))
        with Meter() as meter:
            time.sleep(0.5)
        monkeypatch.setattr("pipeline.consumption.meter.IDLING_SHARE", 0)
        with Meter() as with_it:
            pass
    [ours] = meter.use.parts
    assert ours.part == COMMANDS
    assert (meter.use.peak_bytes, meter.use.mean_bytes) == (ours.peak_bytes, ours.mean_bytes)
    assert with_it.use.peak_bytes > meter.use.peak_bytes + 150_000_000


def test_the_brokers_share_is_there_when_it_works_and_gone_when_it_idles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = own_place(tmp_path / "kafka")
    monkeypatch.setenv("WAYBILL_STATE", str(tmp_path))
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    monkeypatch.setattr("pipeline.consumption.meter.IDLING_SHARE", 0.1)  # one that was just started is not at rest yet
    local_broker.start(place)
    try:
        create_topic("t", 1)
        with Meter() as meter:
            producer = KafkaProducer(bootstrap_servers=address(place))
            for number in range(5000):
                producer.send("t", b"%d" % number)
            producer.flush(30)
            producer.close()
        share = part(meter.use, BROKER) / meter.use.wall_seconds
        assert share > 0.1
        # where the machine is slow, rest takes its share, too
        monkeypatch.setattr("pipeline.consumption.meter.IDLING_SHARE", share / 2)
        deadline = time.monotonic() + 60
        while BROKER in {one.part for one in meter.use.parts} and time.monotonic() < deadline:
            with Meter() as meter:
                time.sleep(1)
        assert BROKER not in {one.part for one in meter.use.parts}
    finally:
        local_broker.stop(place)


def test_looking_costs_less_than_a_hundredth() -> None:
    assert PAUSE_PER_COST >= 100
    for cost in (0.0, 0.0001, 0.002, 0.5):
        assert cost <= 0.01 * pause(cost)


def put_zone(folder: Path, name: str, counter: int) -> Path:
    folder.mkdir()
    (folder / "name").write_text(f"{name}\n")
    (folder / "energy_uj").write_text(f"{counter}\n")
    (folder / "max_energy_range_uj").write_text("1000000000\n")
    return folder


def test_rapl_is_read_less_idle_and_by_our_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = put_zone(tmp_path / "intel-rapl:0", "package-0", 900_000_000)
    put_zone(tmp_path / "intel-rapl:0:0", "core", 5)
    busy = iter([100.0, 120.0])
    monkeypatch.setattr("pipeline.consumption.energy._busy_seconds", lambda: next(busy))
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    meter = EnergyMeter(get_settings(), tmp_path)
    (package / "energy_uj").write_text("14800000\n")  # it went round
    found = meter.taken(cpu_seconds=5.0, wall_seconds=10.0)
    assert found.method == "rapl"
    assert found.joules == pytest.approx((114.8 - 0.74 * 2 * 10) * 5 / 20)
    assert found.grams_co2 == pytest.approx(found.joules / 3_600_000 * 473)
    assert "RAPL, less 0.74 W a core for idling" in found.words


def test_the_whole_platform_is_not_counted_beside_its_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    monkeypatch.setattr("pipeline.consumption.energy._busy_seconds", lambda: 0.0)
    package = put_zone(tmp_path / "intel-rapl:0", "package-0", 0)
    platform = put_zone(tmp_path / "intel-rapl:1", "psys", 0)
    meter = EnergyMeter(get_settings(), tmp_path)
    (package / "energy_uj").write_text("50000000\n")
    (platform / "energy_uj").write_text("80000000\n")
    found = meter.taken(cpu_seconds=10.0, wall_seconds=10.0)
    assert (found.method, found.joules) == ("rapl", pytest.approx(50 - 0.74 * 10))


def test_without_rapl_the_estimate_names_its_watts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_BUSY_WATTS", "10")
    monkeypatch.setenv("WAYBILL_IDLE_WATTS", "2")
    monkeypatch.setenv("WAYBILL_GRID_GRAMS", "36")
    found = EnergyMeter(get_settings(), tmp_path).taken(cpu_seconds=5.0, wall_seconds=100.0)
    assert (found.method, found.joules, found.grams_co2) == ("estimate", 40.0, pytest.approx(0.0004))
    assert found.words == "estimate: CPU seconds × 8 W (10 W a busy core less 2 W idle); 36 g of CO2 a kWh"


def keep_some(*uses: Use, rows: int = 1000, first: datetime = NOW) -> list[list[str]]:
    """Keep uses of stage dbt, a minute apart; return what was said of each."""
    minutes = range(len(uses))
    return [
        keep(Work("stage", "dbt", first + timedelta(minutes=n), rows, "succeeded"), use)
        for n, use in zip(minutes, uses, strict=True)
    ]


def test_what_became_a_fifth_dearer_than_the_median_is_said(database: str) -> None:
    said = keep_some(
        *[USE] * 9, replace(USE, cpu_seconds=50.0), replace(USE, cpu_seconds=5.9), replace(USE, cpu_seconds=6.1)
    )
    assert said[:9] == [[]] * 9
    assert said[10] == []
    assert said[11] == ["dearer: dbt used 6.1 s of CPU, 22 % more than 5.0, the median of the last 10 like it"]
    assert keep_some(replace(USE, peak_bytes=700_000_000), first=NOW + timedelta(days=1)) == [
        ["dearer: dbt held 700.0 MB of memory, 40 % more than 500.0, the median of the last 10 like it"]
    ]


def test_only_like_runs_are_compared_and_trifles_are_not_told(database: str) -> None:
    keep_some(*[USE] * 5)
    dear = replace(USE, wall_seconds=100.0)
    assert keep_some(dear, rows=1200, first=NOW + timedelta(days=1)) == [[]]  # other work
    assert len(keep_some(dear, rows=1050, first=NOW + timedelta(days=2))[0]) == 1
    small = replace(USE, wall_seconds=0.1, cpu_seconds=0.1, peak_bytes=50_000_000)
    doubled = replace(USE, wall_seconds=0.2, cpu_seconds=0.2, peak_bytes=100_000_000)
    assert keep_some(*[small] * 5, doubled, rows=5, first=NOW + timedelta(days=3))[-1] == []


def test_runs_that_found_nothing_to_do_make_no_real_one_dear(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    held = CheckpointOutcome("raw", True, 1000, 39, "39 of 39 expectations held over 1,000 rows")
    nothing = [(replace(held, is_unchanged=True), replace(USE, wall_seconds=0.1, cpu_seconds=0.1))] * 10
    said = []
    for minute, (outcome, use) in enumerate([*nothing, *[(held, USE)] * 4, *nothing, *[(held, USE)] * 4]):
        monkeypatch.setattr("expectations.checkpoints.run_checkpoint", lambda *_, found=outcome, **__: found)
        checked = WORK["check-raw"]()
        work = Work("stage", "check-raw", NOW + timedelta(minutes=minute), checked.rows, "succeeded")
        said += keep(work, use)
    assert said == []
    work = Work("stage", "check-raw", NOW + timedelta(days=1), held.rows, "succeeded")
    assert keep(work, replace(USE, cpu_seconds=9.0)) == [
        "dearer: check-raw used 9.0 s of CPU, 80 % more than 5.0, the median of the last 8 like it"
    ]


def test_export_and_docs_count_what_they_wrote(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("WAYBILL_PROCESSED", "WAYBILL_REPORTS", "DBT_TARGET_PATH"):
        monkeypatch.setenv(variable, str(tmp_path))
    build_marts(build_raw(5), 5)
    assert [WORK["export"]().rows for _ in range(2)] == [29, 0]
    (tmp_path / "fct_flights.json").unlink()
    assert WORK["export"]().rows == 5
    (tmp_path / "static_index.html").write_text("docs")
    monkeypatch.setattr("pipeline.dbt.build._invoke", lambda arguments: None)
    assert [WORK["docs"]().rows for _ in range(2)] == [1, 0]


def test_a_run_that_failed_is_kept_and_not_compared_with(database: str) -> None:
    def stop() -> Outcome:
        raise WaybillError("no")

    with pytest.raises(WaybillError, match="no"):
        run_stage("load", work=stop)
    assert rows("select outcome, run_id from ledger.stage_runs") == [("failed", None)]


def test_a_stage_is_kept_with_its_run_and_its_parts(database: str) -> None:
    with recorded_run("test") as run_id:
        run_stage("load", work=lambda: Outcome(7, ""), run_id=run_id)
    assert rows("select stage, rows, runs.command from ledger.stage_runs join ledger.runs using (run_id)") == [
        ("load", 7, "test")
    ]
    parts = rows("select part, unseen is null from ledger.stage_run_parts")
    assert (COMMANDS, True) in parts
    assert (POSTGRESQL, get_settings().is_embedded) in parts
    shown = CliRunner().invoke(main, [])
    assert shown.exit_code == 0
    assert "load" in shown.output and "Wh above idle" in shown.output
    assert max(map(len, shown.output.splitlines()[:5])) <= 80


def run_conso(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline.conso", *arguments], capture_output=True, text=True, check=False, timeout=120
    )


def test_any_command_can_be_measured_and_is_kept(database: str) -> None:
    script = BURN.format(0.3) + "\nprint('its own output')\nraise SystemExit(7)"
    done = run_conso("--name", "burner", "--", sys.executable, "-c", script)
    assert (done.returncode, done.stdout) == (7, "its own output\n")
    assert "of a core: commands 0." in done.stderr
    assert "estimate: CPU seconds" in done.stderr or "RAPL" in done.stderr
    [(kind, name, outcome, cpu)] = rows("select kind, stage, outcome, cpu_seconds from ledger.stage_runs")
    assert (kind, name, outcome) == ("command", "burner", "failed")
    assert cpu >= 0.25


def test_a_command_that_does_not_exist_is_told_in_one_line(database: str) -> None:
    done = run_conso("--", "no-such-command")
    assert done.returncode == 1
    assert done.stderr == (
        "error: no-such-command cannot be run: No such file or directory; name a program and its arguments\n"
    )


def test_a_ledger_that_is_away_does_not_stop_a_stage(
    database: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> Callable[[], None]:
        raise RunRefused("the ledger is away")

    monkeypatch.setattr("pipeline.conso.keep", refuse)
    assert run_stage("load", work=lambda: Outcome(7, "")).rows == 7
    assert "what it took is not in the ledger stage=load reason=the ledger is away" in caplog.text
