"""`make own-models`: takes real record sets from raw JSON to a model; prints a table beside a scikit-learn baseline."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import click

from benchmarks.databases import bench_database
from benchmarks.own_models.comparing import Comparison, compare
from benchmarks.own_models.sets import WANTED, Wanted
from benchmarks.real_sets.clone import Clone, clone, first_problem, write_outputs
from benchmarks.real_sets.packages import files_of
from benchmarks.tables import print_table
from waybill.settings import get_settings

COLUMNS = {
    "set": 20,
    "rows": 7,
    "classes": 9,
    "split": 8,
    "used": 6,
    "out": 5,
    "leaks": 7,
    "  model": 25,
    "log loss: dummy": 17,
    "baseline": 10,
    "Waybill": 9,
    "AUC: baseline": 15,
    "one-hot": 9,
    "Waybill ": 9,
    "noise": 7,
    "minutes": 9,
}


@dataclass(frozen=True)
class Result:
    """What became of one set. `problem` is the first command that failed, with the end of its output."""

    wanted: Wanted
    minutes: float
    problem: str | None
    compared: Comparison | None = None


@click.command()
@click.option("--only", multiple=True, metavar="SET", help="Only these sets.")
@click.option("--output", type=click.Path(path_type=Path), help="A folder for the whole output of each command.")
def main(only: tuple[str, ...], output: Path | None) -> None:
    """Take each set from its files to predictions, and train a plain scikit-learn model on the same rows and split.

    Exits with 1 if a command fails, or if a model is worse than the baseline by more than noise.

    Example: python -m benchmarks.own_models --only movies
    """
    with bench_database(), clone() as copied:
        results = [_try(copied, one, output) for one in WANTED if not only or one.documents.source in only]
    print_table(COLUMNS, [_row(result) for result in results])
    click.echo(
        "on the test set; baseline: scikit-learn alone with the same kind of encoders; one-hot: with one column for a "
        "category; AUC: ROC AUC, of several classes the mean of each against the rest; noise: its standard deviation"
    )
    broken = [f"{one.wanted.documents.source}: {one.problem}" for one in results if one.problem]
    broken += [
        f"{one.wanted.documents.source}: worse than the baseline by more than noise"
        for one in results
        if one.compared and one.compared.is_worse
    ]
    for line in broken:
        click.echo(line, err=True)
    if broken:
        raise SystemExit(1)


def _try(copied: Clone, wanted: Wanted, output: Path | None) -> Result:
    files = files_of(wanted.documents, get_settings().state_folder / "packages")
    started = time.monotonic()
    ran = copied.model(wanted.documents, files)
    for words in _model_commands(wanted):
        if ran[-1][1].code == 0:
            ran.append((" ".join(words), copied.waybill(*words)))
    minutes = (time.monotonic() - started) / 60
    if output:
        write_outputs(output / f"{wanted.documents.source}.txt", ran)
    problem = first_problem(ran)
    click.echo(f"{wanted.documents.source}: {minutes:.1f} minutes{', failed' if problem else ''}", err=True)
    return Result(wanted, minutes, problem, None if problem else compare(copied.folder, wanted.task))


def _model_commands(wanted: Wanted) -> list[list[str]]:
    return [
        ["new-task", wanted.task, "--table", wanted.table, "--label", wanted.label],
        ["train", "--task", wanted.task],
        ["score", "--task", wanted.task],
    ]


def _row(result: Result) -> tuple[str, ...]:
    found, source = result.compared, result.wanted.documents.source
    if found is None:
        return (source, *[""] * (len(COLUMNS) - 2), f"{result.minutes:.1f}")
    return (
        source,
        f"{found.rows:,}",
        str(found.classes),
        found.split,
        str(found.used),
        str(found.left_out),
        str(found.leaks),
        f"  {found.chosen}",
        f"{found.dummy.log_loss:.3f}",
        f"{found.baseline.log_loss:.3f}",
        f"{found.waybill.log_loss:.3f}",
        f"{found.baseline.auc:.3f}",
        f"{found.one_hot.auc:.3f}",
        f"{found.waybill.auc:.3f}",
        f"{found.baseline.noise:.3f}",
        f"{result.minutes:.1f}",
    )


if __name__ == "__main__":
    main()
