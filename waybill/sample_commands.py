"""Runs the commands that need the shipped sample, and says what to type instead once the sample is removed.

`python -m waybill.sample_commands MODULE[,MODULE…] [ARGUMENT]…` is how the Makefile runs such modules.
"""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import subprocess
import sys
from pathlib import Path

import click

PROJECT = Path(__file__).resolve().parents[1]  # waybill.settings imports more than a shell's completion can wait for
INSTEAD = {  # a module of the sample, or the package it is in → what to type without the sample
    "data.sample": "`waybill new NAME FILE` models your own JSON",
    "pipeline.showcase.demo": "`make pipeline` runs every stage on your sources",
    "pipeline.showcase.stream": "`waybill consume SOURCE` lands a topic, `waybill run dbt` takes it to the marts",
    "benchmarks": "`make own-json` takes real record sets from `waybill new` to tested marts",
}
TAKES_ALL = {"ignore_unknown_options": True, "allow_extra_args": True}


def is_shipped(module: str) -> bool:
    """Return True if the project still has a module. Nothing is imported, and emptied folders do not count."""
    path = PROJECT / module.replace(".", "/")
    return path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()


def removal_of(module: str) -> str | None:
    """Return the line for a module that was removed with the sample; None for every other module."""
    parts = module.split(".")
    packages = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    instead = next((INSTEAD[name] for name in packages if name in INSTEAD), None)
    return None if instead is None or is_shipped(module) else f"the sample was removed from this project: {instead}"


def removed_command(name: str, module: str) -> click.Command | None:
    """Return a command that says in one line what to type instead of a removed one, whatever its arguments are."""
    removed = removal_of(module)
    if removed is None:
        return None
    return click.Command(name, callback=lambda: click.echo(removed), help=removed, context_settings=TAKES_ALL)


def main(modules: str, *arguments: str) -> int:
    """Run modules one after the other until one fails and return its exit code; 0 if they were removed."""
    for module in modules.split(","):
        if removed := removal_of(module):
            print(removed)
            return 0
        if code := subprocess.call([sys.executable, "-m", module, *arguments]):
            return code
    return 0


@click.command(
    help="Example: python -m waybill.sample_commands benchmarks.load,benchmarks.stream --quick\n\n"
    "Run modules of the sample one after the other, or say what to type where they were removed.",
    context_settings={"ignore_unknown_options": True},
)
@click.argument("modules", metavar="MODULE[,MODULE...]")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run_modules(modules: str, arguments: tuple[str, ...]) -> None:
    """Run modules with arguments, and exit with the code of the first that fails."""
    if code := main(modules, *arguments):
        sys.exit(code)


if __name__ == "__main__":
    from waybill.cli import run

    run(run_modules, "python -m waybill.sample_commands", needs_settings=False)
