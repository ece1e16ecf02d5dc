# waybill: sample
"""Starts the servers that are compared, each in its own process on a free port, and stops them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

import click
import httpx

from benchmarks.peers.environment import make_environment
from benchmarks.serving.bodies import Form, by_features, for_mlflow
from ml.registry.model_bytes import PACKAGES
from waybill.settings import PROJECT

MLFLOW = "3.17.2"
START_SECONDS = 120
MAX_BYTES = 8 << 20  # of a body: 1,000 rows with many features
API, PEER, NAIVE = "waybill serve", f"MLflow {MLFLOW}", "FastAPI, DataFrame"


@dataclass(frozen=True)
class Server:
    """A server that answers at a URL, and how it takes rows with their features."""

    name: str
    url: str
    form: Form

    def probabilities(self, body: bytes) -> list[float]:
        """Return what it predicts for one body."""
        answer = httpx.post(self.url, content=body, headers={"content-type": "application/json"}, timeout=60)
        answer.raise_for_status()
        predictions: list[Any] = answer.json()["predictions"]
        return [one["probability"] if isinstance(one, dict) else one for one in predictions]


@contextmanager
def api(task: str) -> Iterator[Server]:
    """Give the prediction API."""
    port = _free_port()
    command = [sys.executable, "-m", "waybill", "serve", "--port", str(port)]
    variables = {"WAYBILL_TASK": task, "WAYBILL_API_KEY": "", "WAYBILL_API_MAX_BYTES": str(MAX_BYTES)}
    with _running(command, port, variables):
        yield Server(API, f"http://127.0.0.1:{port}/v1/tasks/{task}/predictions", by_features)


@contextmanager
def naive(model: Path) -> Iterator[Server]:
    """Give the naive app."""
    port = _free_port()
    with _running([sys.executable, "-m", "benchmarks.serving.naive", str(model), str(port)], port, {}):
        yield Server(NAIVE, f"http://127.0.0.1:{port}/predict", by_features)


@contextmanager
def mlflow(python: Path, model: Path, folder: Path) -> Iterator[Server]:
    """Give MLflow's scoring server, in its own environment and with its own defaults."""
    saved, port = folder / "mlflow", _free_port()
    variables = {
        "PYTHONPATH": str(PROJECT),
        "HOME": str(folder),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
    }
    save = [str(python), str(PROJECT / "benchmarks/serving/mlflow_model.py"), str(model), str(saved)]
    subprocess.run(save, env={**os.environ, **variables}, cwd=folder, check=True, capture_output=True)
    serve = [str(python), "-m", "mlflow", "models", "serve", "-m", str(saved), "-p", str(port), "-h", "127.0.0.1"]
    with _running([*serve, "--env-manager", "local"], port, variables):
        yield Server(PEER, f"http://127.0.0.1:{port}/invocations", for_mlflow)


def mlflow_python() -> Path | None:
    """Return the Python of an environment with MLflow and the model's libraries, made if it is missing."""
    libraries = [f"{name}=={version(name)}" for name in PACKAGES]
    return make_environment("benchmark-mlflow", [f"mlflow=={MLFLOW}", *libraries])


@contextmanager
def _running(command: list[str], port: int, variables: dict[str, str]) -> Iterator[None]:
    """Run a server until the block ends; wait until it listens."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        process = subprocess.Popen(
            command, env={**os.environ, **variables}, cwd=PROJECT, stdout=output, stderr=output, start_new_session=True
        )
        try:
            _wait_until_it_listens(process, port, output)
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, output: IO[str]) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                output.seek(0)
                said = output.read().strip().splitlines()
                raise click.ClickException(f"{process.args} does not listen: {said[-1] if said else ''}") from None
            time.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
