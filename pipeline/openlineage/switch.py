"""Turns the events on where WAYBILL_OPENLINEAGE asks for them."""

from __future__ import annotations

from importlib.util import find_spec

from pipeline.errors import RunRefused
from waybill.observing.work import current_listener, listen_with
from waybill.settings import get_settings


def send_events() -> None:
    """Send events about the work of this process from now on, if the settings ask for it.

    Works that a killed process did not end are closed as failed.

    Raises:
        RunRefused: events are asked for, and the package that makes them is not installed.
    """
    settings = get_settings()
    if not settings.waybill_openlineage or current_listener():
        return
    if not _is_installed():
        raise RunRefused(
            "WAYBILL_OPENLINEAGE is true, but openlineage-python is not installed: run `make lineage`, or set it false"
        )
    from pipeline.openlineage.journal import Journal, ended_journals
    from pipeline.openlineage.listener import EventListener
    from pipeline.openlineage.sender import Sender, Transport

    def open_transport() -> Transport:
        from pipeline.openlineage.transport import ClientTransport  # in the background: it takes a third of a second

        return ClientTransport(settings)

    listener = EventListener(Journal(settings), Sender(open_transport, settings.waybill_openlineage_seconds))
    listen_with(listener)
    for journal in ended_journals(settings):
        listener.close_ended(journal)


def _is_installed() -> bool:
    return bool(find_spec("openlineage") and find_spec("openlineage.client"))
