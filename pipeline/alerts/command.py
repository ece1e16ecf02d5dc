"""`waybill check`: says what needs attention now; with the name of a checkpoint, it validates its tables."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import json
from datetime import UTC, datetime

import click

from pipeline.alerts.alert import Found
from waybill.backoff import is_transient
from waybill.cli import TRY_AGAIN, run, shown_command
from waybill.settings import get_settings

ALERTS = 3  # exit code; all errors have other ones


@click.command()
@click.argument("checkpoint", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the alerts as one JSON document instead.")
@click.option("--only-if-changed", is_flag=True, help="Skip a checkpoint that succeeded for the same rows.")
@click.pass_context
def check(context: click.Context, checkpoint: str | None, as_json: bool, only_if_changed: bool) -> None:
    """Example: waybill check

    Print an alert for everything that needs attention, each with the command to type next: no run for too long, a run
    or gate that failed, a source that is not fresh, too many rejects, books that do not balance, a stale model or one
    whose rows drifted, messages that wait, a disk nearly full, a server that is away. Exits with 3 if there is an
    alert, else with 0. If the warehouse cannot be read, exits with 75 if a later check may succeed, else with 1. A
    mistake in a setting, or in a declaration while there is no alert, also exits with 1.

    Nothing is started or written, except that new, changed and resolved alerts are sent to WAYBILL_ALERT_URL and
    WAYBILL_ALERT_COMMAND, if they are set; docs/operations.md explains each alert.

    With CHECKPOINT, raw or marts, validate these tables instead; exits with 1 if an expectation fails.
    """
    if checkpoint is not None:
        if as_json:
            raise click.UsageError(f"--json is for alerts: `{shown_command('check --json')}`")
        _validate(checkpoint, only_if_changed=only_if_changed)
        return
    if only_if_changed:
        raise click.UsageError("--only-if-changed is for a checkpoint: name raw or marts")
    from pipeline.alerts.judging import judge
    from pipeline.alerts.sending import send

    found = judge()
    _print(found, as_json=as_json)
    send(found)
    context.exit(_exit_code(found))


def _exit_code(found: Found) -> int:
    """Return the exit code: an error has the code that every other command has for it."""
    if found.refusal:
        return TRY_AGAIN if is_transient(getattr(found.refusal, "orig", None) or found.refusal) else 1
    if found.alerts:
        return ALERTS
    return 1 if found.broken else 0


def _validate(checkpoint: str, *, only_if_changed: bool) -> None:
    from expectations.__main__ import main

    main.callback(checkpoint, only_if_changed)  # type: ignore[misc]


def _print(found: Found, *, as_json: bool) -> None:
    if as_json:
        document = {
            "checked_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "database": get_settings().pgdatabase,
            "alerts": [alert.as_json() for alert in found.alerts],
            "not_judged": dict(found.not_judged),
        }
        click.echo(json.dumps(document, indent=1))
        return
    for alert in found.alerts:
        click.echo(f"ALERT {alert}")
    by_reason: dict[str, list[str]] = {}
    for rule, reason in found.not_judged.items():
        by_reason.setdefault(reason, []).append(rule)
    for reason, rules in by_reason.items():
        click.echo(f"not judged, {reason}: {', '.join(rules)}")
    if not found.alerts and not found.broken:
        click.echo("nothing needs attention")


if __name__ == "__main__":
    run(check, "python -m pipeline.alerts.command")
