"""`python -m streaming.broker`: start, stop and look at the local Kafka broker."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import click

from streaming.local_broker import server as local_broker
from streaming.local_broker.process import address, answers, find_broker
from waybill.cli import run
from waybill.settings import get_settings, relative_name


@click.group(help="Example: python -m streaming.broker up\n\nStart, stop and look at the local Kafka broker.")
def broker() -> None:
    """Hold the broker's commands."""


@broker.command()
def up() -> None:
    """Start a real Apache Kafka on loopback; KAFKA_BOOTSTRAP_SERVERS names one of yours instead."""
    settings = get_settings()
    if settings.kafka_bootstrap_servers:
        click.echo(f"broker: {settings.kafka_bootstrap_servers} is yours (KAFKA_BOOTSTRAP_SERVERS); nothing to start")
        return
    place = find_broker(settings)
    started = local_broker.start(place)
    click.echo(
        f"broker up: {address(place)}{'' if started else ', it ran already'}; its log: {relative_name(place.log)}"
    )


@broker.command()
def down() -> None:
    """Stop the local broker; what was sent to it stays."""
    stopped = local_broker.stop(find_broker(get_settings()))
    click.echo("broker stopped" if stopped else "broker: not running")


@broker.command()
def status() -> None:
    """Say where the broker is and whether it runs; starts nothing."""
    settings = get_settings()
    place = find_broker(settings)
    if settings.kafka_bootstrap_servers:
        click.echo(f"broker:   {settings.kafka_bootstrap_servers} (KAFKA_BOOTSTRAP_SERVERS)")
    elif answers(place):
        click.echo(f"broker:   running, {address(place)}")
    else:
        click.echo("broker:   not running (start it: make broker)")


if __name__ == "__main__":
    run(broker, "python -m streaming.broker")
