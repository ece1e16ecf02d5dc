"""Checks for alerts when a run has ended, prints them and sends them; the run's own outcome stays what it is."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import click

from warehouse.errors import RunInProgress
from waybill.cli import OWN_DATABASE

logger = logging.getLogger(__name__)


@contextmanager
def alerts_afterwards(*, only_after_failure: bool = False) -> Iterator[None]:
    """Check for alerts after the block, also after one that failed, but not after Ctrl-C: the user is waiting.

    A stage that a scheduler runs by itself needs no check when it succeeded, unless it is the last one: until then,
    the model may be stale, for example.
    """
    try:
        yield
    except RunInProgress:  # nothing was run
        raise
    except Exception as failure:
        report_alerts(failure)
        raise
    if not only_after_failure:
        report_alerts()


def report_alerts(failure: Exception | None = None) -> None:
    """Print an alert a line and send what is new. Nothing that goes wrong here fails the run: it is a warning.

    A run that failed because of the disk has said so already.
    """
    try:
        from pipeline.alerts.judging import judge
        from pipeline.alerts.sending import send

        found = judge()
        for alert in found.alerts:
            click.echo(f"ALERT {alert}")
        for rule in found.broken:
            logger.warning("alert %s cannot be judged: %s", rule, found.not_judged[rule])
        if not os.environ.get(OWN_DATABASE):  # nobody is on call for the demo and the stream
            send(found)
    except Exception as error:
        if isinstance(error, OSError) and isinstance(failure, OSError) and error.errno == failure.errno:
            return
        logger.warning("alerts could not be checked: %s: %s", type(error).__name__, error)
