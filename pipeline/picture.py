"""`python -m pipeline.picture`: draws the README's picture of the stages from `stages.yml`, as Mermaid text."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

from collections.abc import Iterator

import click

from pipeline.stages import Stage, read_stages
from waybill.cli import run


def draw() -> str:
    """Return the picture: the stages in order with what each makes. Hexagons are gates, which can stop the run."""
    return "\n".join(_lines(read_stages()))


def _lines(stages: list[Stage]) -> Iterator[str]:
    yield "flowchart LR"
    yield '    source[/"raw JSON"/] --> ' + " --> ".join(stage.name for stage in stages)
    for stage in stages:
        label = f"{stage.name}<br><i>{stage.makes}</i>" if stage.makes else stage.name
        yield f'    {stage.name}{{{{"{label}"}}}}' if stage.gate else f'    {stage.name}["{label}"]'


@click.command(help="Example: python -m pipeline.picture\n\nPrint the README's picture of the stages.")
def main() -> None:
    """Print the picture."""
    click.echo(draw())


if __name__ == "__main__":
    run(main, "python -m pipeline.picture")
