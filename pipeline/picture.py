"""`python -m pipeline.picture`: draws the README's picture of the stages from `stages.yml`, as Mermaid text."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

from collections.abc import Iterator

import click

from pipeline.stage_list import Stage, read_stages
from waybill.cli import run


def draw() -> str:
    """Return the picture: the stages with what each makes and waits for. Hexagons are gates, which can stop the run."""
    return "\n".join(_lines(read_stages()))


def _lines(stages: list[Stage]) -> Iterator[str]:
    yield "flowchart LR"
    yield f'    source[/"raw JSON"/] --> {"; ".join(_arrows(stages))}'
    for stage in stages:
        label = f"{stage.name}<br><i>{stage.makes}</i>" if stage.makes else stage.name
        yield f'    {stage.name}{{{{"{label}"}}}}' if stage.gate else f'    {stage.name}["{label}"]'


def _arrows(stages: list[Stage]) -> Iterator[str]:
    """Yield chains of arrows, each as long as possible; stages that wait for the same ones share an arrow."""
    waiting: dict[str, list[str]] = {}
    for stage in stages:
        waiting.setdefault(" & ".join(stage.after), []).append(stage.name)
    ends = {after: " & ".join(names) for after, names in waiting.items()}
    chain = [ends.pop("")]
    while True:
        while chain[-1] in ends:
            chain.append(ends.pop(chain[-1]))
        yield " --> ".join(chain)
        if not ends:
            return
        chain = [next(iter(ends))]


@click.command(help="Example: python -m pipeline.picture\n\nPrint the README's picture of the stages.")
def main() -> None:
    """Print the picture."""
    click.echo(draw())


if __name__ == "__main__":
    run(main, "python -m pipeline.picture")
