"""Every source that declares a topic: creates their topics, and consumes them, each in its own process.

`python -m streaming.every_source PARTITIONS` creates the topics that are missing.
"""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import subprocess
import sys
import threading
from collections.abc import Sequence

import click
from prometheus_client import CollectorRegistry, start_http_server

from loader.declarations import no_source, read_source, source_names
from streaming.errors import ConsumerEnded, ConsumerFailed
from waybill.background_processes import LOOPBACK
from waybill.cli import TRY_AGAIN, run

CONSUMER = [sys.executable, "-m", "waybill", "consume"]
POLL_SECONDS = 0.5
STOP_SECONDS = 20  # a consumer ends by itself within 15


def topics() -> dict[str, str]:
    """Return source → topic, for the sources that declare one."""
    found = {name: read_source(name).topic for name in source_names()}
    return {name: topic for name, topic in found.items() if topic}


def no_topic() -> str:
    """Return the line that says what to do where no source declares a topic."""
    return no_source() or "no source declares a topic: add `topic: NAME` to a declaration in loader/sources"


def consume_every(options: Sequence[str], metrics_port: int | None, stopping: threading.Event) -> None:
    """Consume all declared topics until the event is set, or until all consumers have ended.

    The first consumer serves its metrics on the port, the others on the ports after it. Without a topic there is
    nothing to do; a service, which has a port, waits for the event.

    Raises:
        ConsumerEnded, ConsumerFailed: a consumer failed, after it has printed why; the others were stopped.
    """
    names = list(topics())
    if not names:
        click.echo(no_topic())
        if metrics_port:
            start_http_server(metrics_port, LOOPBACK, CollectorRegistry())
            stopping.wait()
        return
    ports = [
        [] if metrics_port is None else ["--metrics-port", str(metrics_port + index)] for index in range(len(names))
    ]
    consumers = {
        name: subprocess.Popen([*CONSUMER, name, *options, *port], start_new_session=True)
        for name, port in zip(names, ports, strict=True)
    }
    try:
        while any(process.poll() is None for process in consumers.values()) and not stopping.wait(POLL_SECONDS):
            _require_success(consumers)
        _require_success({name: process for name, process in consumers.items() if process.poll() is not None})
    finally:
        _stop(consumers)


def _require_success(consumers: dict[str, subprocess.Popen[bytes]]) -> None:
    failed = {name: process.returncode for name, process in consumers.items() if process.poll()}
    if failed:
        may_pass = all(code == TRY_AGAIN or code < 0 for code in failed.values())
        error = ConsumerEnded if may_pass else ConsumerFailed
        raise error(f"the consumer of {', '.join(failed)} failed, see above; the others were stopped")


def _stop(consumers: dict[str, subprocess.Popen[bytes]]) -> None:
    for process in consumers.values():
        process.terminate()
    for process in consumers.values():
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


@click.command(help="Example: python -m streaming.every_source 2\n\nCreate the declared topics that are missing.")
@click.argument("partitions", type=click.IntRange(1, 100_000))
def main(partitions: int) -> None:
    """Create the topics, each with this number of partitions."""
    from streaming.topics import create_topic

    for topic in dict.fromkeys(topics().values()):
        create_topic(topic, partitions)
        click.echo(f"topic {topic}")
    if not topics():
        click.echo(no_topic())


if __name__ == "__main__":
    run(main, "python -m streaming.every_source")
