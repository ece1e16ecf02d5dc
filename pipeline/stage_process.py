"""`python -m pipeline.stage_process STAGE`: does a stage's work for a run, beside the stages in its own process."""

from __future__ import annotations

from waybill import ctrl_c

if __name__ == "__main__":
    ctrl_c.exit_on_interrupt()

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import traceback
from contextlib import suppress
from typing import IO, cast

import click
import psutil

from pipeline.errors import StageKilled
from pipeline.openlineage.switch import send_events
from pipeline.stages import WORK, StageResult
from waybill.cli import run
from waybill.observing.work import current_listener, observed
from waybill.settings import PROJECT

STOP_SECONDS = 2.0  # that a stage has to undo what is half done, before its process ends at once


class StageProcess:
    """A process that does the work of one stage, as a child of the run's process.

    It has no part in Ctrl-C: it ends when the run closes its standard input, or has ended in whatever way.
    """

    def __init__(self, name: str) -> None:
        """Start it. The run holds the locks; the process takes none."""
        listener = current_listener()
        self.name, self._is_stopped = name, False
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "pipeline.stage_process", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(PROJECT), **(listener.environment() if listener else {})},
            process_group=0,
        )
        self._process, self._held_open, self._answers = (
            process,
            cast(IO[bytes], process.stdin),
            cast(IO[bytes], process.stdout),
        )
        self.measured = psutil.Process(process.pid)

    def result(self) -> StageResult:
        """Wait until the work is done and return its result. The process lives on, so that its use can be measured.

        Raises:
            Exception: what the work raised.
            StageKilled: the process ended before.
            KeyboardInterrupt: `stop` was called before.
        """
        with self._answers as answers:
            answer = answers.read()
        if self._is_stopped:
            raise KeyboardInterrupt
        if not answer:
            raise StageKilled(f"its process ended before its work was done: see above, then run {self.name} again")
        found = pickle.loads(answer)  # noqa: S301  # (written by our own child)
        if isinstance(found, Exception):
            raise found
        return StageResult(*found)

    def let_go(self) -> None:
        """Let the process end, which has nothing more to do."""
        self._held_open.close()

    def stop(self) -> None:
        """Stop the work."""
        self._is_stopped = True
        self.let_go()

    def wait(self) -> None:
        """Wait for the process to end, after `let_go` or `stop`."""
        self._process.wait()


@click.command(
    help="Example: python -m pipeline.stage_process export\n\nDo the work of STAGE for the run that has started this "
    "process, and write the result for it. To run a stage, type `waybill run STAGE`."
)
@click.argument("stage", type=click.Choice(list(WORK)))
def main(stage: str) -> None:
    """Do the work, write its result or error to standard output, and wait for the end of standard input."""
    is_done = threading.Event()
    end = threading.Thread(target=_wait_for_the_end, args=[is_done], daemon=True)
    end.start()
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # what the work prints must not look like a result
        answers.write(_work(stage))
        is_done.set()
    end.join()


def _work(stage: str) -> bytes:
    """Return the pickled result or error of a stage's work."""
    try:
        send_events()
        with observed("stage", stage):
            result = WORK[stage]()
        return pickle.dumps((result.rows, result.summary))
    except Exception as error:
        error.add_note(f"in the process of the stage:\n{traceback.format_exc()}")
        try:
            answer = pickle.dumps(error)
            pickle.loads(answer)  # noqa: S301  # (our own)
        except Exception:  # its class cannot be made again from its arguments
            answer = pickle.dumps(RuntimeError("".join(traceback.format_exception(error))))
        return answer


def _wait_for_the_end(is_done: threading.Event) -> None:
    """Wait until the run closes standard input or ends; stop work that is not done, silently: the run has said so."""
    with suppress(OSError):
        while os.read(0, 1):
            pass
    if is_done.is_set():
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    os._exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    run(main, "python -m pipeline.stage_process")
