"""`python -m tests.mutants`: breaks the code in one way after another, and checks that a test fails each time."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import click

from tests.mutants.mutations import Mutation, read_mutations
from tests.support.clones import make_clone
from waybill.settings import get_settings

MAX_SECONDS = 600
PASSED, FAILED = 0, 1  # pytest's exit codes


@click.command(
    help="Example: python -m tests.mutants --only loader/\n\n"
    "Apply each mutation of tests/mutants/mutations.yml to a copy of the project, and run the tests that must fail. "
    "First they all have to pass without any mutation."
)
@click.option("--only", default="", help="Only mutations whose promise or file contains this text.")
@click.option("--jobs", default=2, show_default=True, type=click.IntRange(min=1), help="Copies that work at once.")
def main(only: str, jobs: int) -> None:
    """Run the mutations; exit with 1 if a test passes although its promise is broken."""
    started = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    mutations = read_mutations(only)
    with _clones(jobs) as clones:
        folder = clones.get()
        tests = sorted({test for mutation in mutations for test in mutation.tests})
        if problem := _run_tests(folder, tests, expected=PASSED):
            sys.exit(f"the tests do not pass without a mutation\n{problem}")
        clones.put(folder)
        with ThreadPoolExecutor(jobs) as executor:
            survivors = sum(executor.map(lambda mutation: _survives(mutation, clones), mutations))
    click.echo(f"mutations {len(mutations)}, not caught {survivors}, seconds {time.monotonic() - started:,.0f}")
    sys.exit(survivors > 0)


@contextmanager
def _clones(count: int) -> Iterator[SimpleQueue[Path]]:
    """Make copies of the project that can be changed, and delete them at the end."""
    home = Path(tempfile.mkdtemp(prefix="waybill-mutants-"))
    clones: SimpleQueue[Path] = SimpleQueue()
    try:
        for number in range(count):
            clones.put(make_clone(home / f"clone-{number}"))
        yield clones
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _survives(mutation: Mutation, clones: SimpleQueue[Path]) -> bool:
    """Run the mutation's tests on the mutated code in a free copy; print and return whether all of them passed."""
    started, folder = time.monotonic(), clones.get()
    try:
        before = mutation.apply(folder)
        try:
            problem = _run_tests(folder, mutation.tests, expected=FAILED)
        finally:
            (folder / mutation.file).write_text(before, encoding="utf-8")
    finally:
        clones.put(folder)
    verdict = "NOT CAUGHT" if problem else "caught"
    click.echo(
        f"{verdict:<10} {time.monotonic() - started:>4.0f} s  {mutation.file}: {mutation.breaks}\n{problem}".rstrip()
    )
    return bool(problem)


def _run_tests(folder: Path, tests: Sequence[str], *, expected: int) -> str:
    """Run tests in a copy; return nothing if pytest ends as expected, else the end of its output."""
    command = [".venv/bin/python", "-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider", "--tb=short", *tests]
    command += ["-x"] if expected == FAILED else ["-n", "2", "--dist", "loadfile"]
    variables = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "WAYBILL_STATE": str(get_settings().state_folder)}
    process = subprocess.Popen(
        command, cwd=folder, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        output, _ = process.communicate(timeout=None if expected == PASSED else MAX_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return f"the tests did not end within {MAX_SECONDS} seconds"
    skipped = expected == PASSED and b" skipped" in output
    return "" if process.returncode == expected and not skipped else output.decode(errors="replace")[-3000:]


if __name__ == "__main__":
    main()
