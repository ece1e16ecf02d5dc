"""`waybill serve`: the prediction API of the current models."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

from typing import TYPE_CHECKING

import click

from ml.api.errors import ApiNotInstalled
from ml.errors import ModelError
from ml.task import chosen_tasks, read_task, task_names
from waybill.cli import run, shown_command
from waybill.settings import Settings, get_settings
from waybill.text import counted

if TYPE_CHECKING:
    from ml.api.endpoints.services import Services


@click.command(
    help="Example: waybill serve --port 8501\n\n"
    "Answer HTTP requests with predictions of the current models, until Ctrl-C. `make serve` installs what it needs."
)
@click.option("--host", help="The address to listen on. Default: WAYBILL_API_HOST, else 127.0.0.1, this machine only.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port, 0 for a free one. Default: WAYBILL_API_PORT.")
def main(host: str | None, port: int | None) -> None:
    """Serve."""
    settings = get_settings()
    tasks = chosen_tasks()
    if settings.waybill_task is not None:
        for task in set(tasks) - set(task_names()):
            read_task(task)  # raises an error that names it
    _serve(settings, tasks, host or settings.waybill_api_host, settings.waybill_api_port if port is None else port)


def _serve(settings: Settings, tasks: list[str], host: str, port: int) -> None:
    try:
        from ml.api.app import create_app
        from ml.api.server import listen, run_server, shown_address
        from ml.api.starting import open_services
    except ModuleNotFoundError as error:
        raise ApiNotInstalled(f"the API needs {error.name}, which is not installed: run `make api` first") from None
    key = settings.waybill_api_key.get_secret_value() if settings.waybill_api_key else None
    with listen(host, port, has_key=key is not None) as listener:
        services = open_services(settings, tasks)
        address = f"http://{shown_address(host, listener.getsockname()[1])}"

        def report() -> None:
            refusals = _refusals(services)
            answering = f"{len(tasks) - len(refusals)} of " if tasks and refusals else ""
            click.echo(f"serving {answering}{counted(len(tasks), 'task')} at {address}; documentation: {address}/docs")
            for line in refusals:
                click.echo(line)

        run_server(create_app(services, key), listener, report)
    click.echo("stopped")


def _refusals(services: Services) -> list[str]:
    """Return a line for each task whose model does not answer, or one if there is no task."""
    if not services.tasks:
        return [f"no task is declared: `{shown_command('new-task')}` proposes one"]
    lines = []
    for task in services.tasks:
        try:
            services.holder.get(task)
        except ModelError as error:
            lines.append(f"{task} is not served: {error}")
    return lines


if __name__ == "__main__":
    run(main, "python -m ml.api.command")
