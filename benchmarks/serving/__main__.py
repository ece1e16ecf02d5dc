# waybill: sample
"""`python -m benchmarks.serving`: requests a second and latency of the API and its peers, on one model and its rows."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import os
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import click

from benchmarks.databases import bench_database
from benchmarks.machine import description
from benchmarks.model.copies import save_mart, scratch_mart
from benchmarks.serving import servers
from benchmarks.serving.bodies import Chosen, Form, by_features, by_key, choose_rows, write_bodies
from benchmarks.serving.client import ClientMissing, Measured, find_wrk, measure
from benchmarks.serving.servers import API, PEER, Server
from benchmarks.tables import lowest_to_highest, print_table
from ml.errors import NoModel
from ml.predict import Model, load_model
from ml.registry.artefact import current_manifest
from ml.registry.folders import task_folder
from ml.registry.model_bytes import MODEL
from waybill.cli import run

TASK = "flight_delays"
CLIENTS, QUICK_CLIENTS = (1, 8, 64), (1, 8)
COLUMNS = {"request": 22, "clients": 9, "server": 22, "requests/s": 12, "lowest to highest": 20, "p50 ms": 10,
           "p99 ms": 10, "ratio to MLflow": 17, "failed": 8}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """What is sent, by how many clients, and to which server."""

    request: str
    clients: int
    server: Server
    bodies: Path


@click.command(
    help="Example: python -m benchmarks.serving --runs 3\n\nCompare the prediction API with MLflow's scoring server "
    "and a naive FastAPI app. Run `make pipeline` first, which trains the model."
)
@click.option("--runs", default=3, show_default=True, help="How often each case is measured; the table shows medians.")
@click.option("--seconds", default=5, show_default=True, help="How long each case is measured.")
@click.option("--quick", is_flag=True, help="One second, one run, without MLflow and 64 clients.")
def main(runs: int, seconds: int, quick: bool) -> None:
    """Measure all cases, alternating, in a scratch database; the user's database is only read."""
    try:
        find_wrk()
    except ClientMissing as error:
        if os.environ.get("CI") == "true":
            raise
        click.echo(f"the prediction API is left out: {error}")
        return
    if current_manifest(TASK) is None:
        raise NoModel(f"no model for {TASK}: run `make pipeline` first")
    model = load_model(TASK)
    runs, seconds = (1, 1) if quick else (runs, seconds)
    python = None if quick else servers.mlflow_python()
    if python is None:
        click.echo("without MLflow" if quick else "MLflow is left out: its packages cannot be installed here")
    with tempfile.TemporaryDirectory(prefix="waybill-bench-") as scratch, ExitStack() as running:
        folder = Path(scratch)
        with bench_database() as parameters:
            click.echo(description(parameters))
        running.enter_context(scratch_mart(save_mart(model.task, folder / "mart"), 1))
        started = list(_start(running, model, python, folder))
        chosen = choose_rows(model)
        _compare_answers(started, chosen, folder)
        show(_measure(list(_cases(started, chosen, folder, QUICK_CLIENTS if quick else CLIENTS)), runs, seconds))
    click.echo(
        f"medians of {runs} × {seconds} s; {TASK} {model.model_id}; client wrk, on the same cores as the servers"
    )


def _start(running: ExitStack, model: Model, python: Path | None, folder: Path) -> Iterator[Server]:
    file = task_folder(TASK) / model.model_id / MODEL
    yield running.enter_context(servers.api(TASK))
    if python:
        yield running.enter_context(servers.mlflow(python, file, folder))
    yield running.enter_context(servers.naive(file))


def _compare_answers(started: list[Server], chosen: Chosen, folder: Path) -> None:
    """Stop unless all servers predict the same for 100 rows."""
    found = {}
    for server in started:
        body = write_bodies(chosen, server.form, "100 rows", folder).read_bytes().splitlines()[0]
        found[server.name] = server.probabilities(body)
    for name, probabilities in found.items():
        apart = max(abs(one - other) for one, other in zip(probabilities, found[API], strict=True))
        if apart > 1e-9:
            raise click.ClickException(f"{name} predicts otherwise than {API}, by {apart:.2g}: nothing can be compared")


def _cases(started: list[Server], chosen: Chosen, folder: Path, clients: tuple[int, ...]) -> Iterator[Case]:
    api = started[0]

    def case(size: str, form: Form, number: int, server: Server) -> Case:
        kind = "by key" if form is by_key else "features"
        return Case(f"{size}, {kind}", number, server, write_bodies(chosen, form, size, folder))

    for size in ("1 row", "100 rows"):
        for number in clients:
            yield from (case(size, server.form, number, server) for server in started)
    for size in ("1 row", "100 rows"):
        yield from (case(size, by_key, number, api) for number in clients)
    yield case("1,000 rows", by_key, 1, api)
    yield case("1,000 rows", by_features, 1, api)


def _measure(cases: list[Case], runs: int, seconds: int) -> dict[Case, list[Measured]]:
    """Measure each case several times, alternating, so that a busy machine slows all servers."""
    found: dict[Case, list[Measured]] = defaultdict(list)
    for _ in range(runs):
        for case in cases:
            found[case].append(measure(case.server.url, case.bodies, clients=case.clients, seconds=seconds))
    return found


def show(found: dict[Case, list[Measured]]) -> None:
    """Print the medians.

    Raises:
        click.ClickException: requests to the API have failed.
    """
    of_peer = {
        (case.request, case.clients): statistics.median(one.per_second for one in measured)
        for case, measured in found.items()
        if case.server.name == PEER
    }
    print_table(COLUMNS, (_row(case, measured, of_peer) for case, measured in found.items()))
    if failed := sum(one.failed for case, measured in found.items() if case.server.name == API for one in measured):
        raise click.ClickException(f"{failed} requests to the API have failed")


def _row(case: Case, measured: list[Measured], of_peer: dict[tuple[str, int], float]) -> list[str]:
    per_second = [one.per_second for one in measured]
    peer = of_peer.get((case.request, case.clients))
    return [
        case.request,
        str(case.clients),
        case.server.name,
        f"{statistics.median(per_second):,.0f}",
        lowest_to_highest(per_second),
        f"{statistics.median(one.p50 for one in measured):.2f}",
        f"{statistics.median(one.p99 for one in measured):.2f}",
        f"{statistics.median(per_second) / peer:.1f}" if peer else "–",
        str(sum(one.failed for one in measured)),
    ]


if __name__ == "__main__":
    run(main, "python -m benchmarks.serving")
