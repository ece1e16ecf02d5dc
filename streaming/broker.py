"""`waybill broker`: starts and stops the local Kafka broker and shows its status."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import click

from streaming.local_broker.process import broker_address, broker_paths, is_running
from streaming.local_broker.server import start_broker, stop_broker
from waybill.cli import run
from waybill.settings import get_settings, relative_name


@click.group(help="Example: waybill broker up\n\nStart and stop the local Kafka broker, or show its status.")
def broker() -> None:
    """Group the broker's commands."""


@broker.command()
def up() -> None:
    """Start Apache Kafka on loopback, unless KAFKA_BOOTSTRAP_SERVERS names your broker."""
    settings = get_settings()
    if settings.kafka_bootstrap_servers:
        click.echo(
            f"broker: using yours, {settings.kafka_bootstrap_servers} (KAFKA_BOOTSTRAP_SERVERS); nothing to start"
        )
        return
    paths = broker_paths(settings)
    was_started = start_broker(paths)
    state = "started" if was_started else "already running"
    click.echo(f"broker {state}: {broker_address(paths)}; its log: {relative_name(paths.log)}")


@broker.command()
def down() -> None:
    """Stop the local broker; its messages are kept."""
    stopped = stop_broker(broker_paths(get_settings()))
    click.echo("broker stopped" if stopped else "broker: not running")


@broker.command()
def status() -> None:
    """Show whether the broker is running, and its address."""
    settings = get_settings()
    paths = broker_paths(settings)
    if settings.kafka_bootstrap_servers:
        click.echo(f"broker:   {settings.kafka_bootstrap_servers} (KAFKA_BOOTSTRAP_SERVERS)")
    elif is_running(paths):
        click.echo(f"broker:   running, {broker_address(paths)}")
    else:
        click.echo("broker:   not running (start it: make broker)")


if __name__ == "__main__":
    run(broker, "python -m streaming.broker")
