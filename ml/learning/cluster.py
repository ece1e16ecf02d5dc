"""Connects to a Dask scheduler, and checks that its workers run the same code and library versions."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

from ml.checking.code_version import digest_of_files
from ml.errors import WorkersUnusable
from ml.registry.model_bytes import versions
from waybill.project.shown_command import shown_command

PACKAGES = ("dask", "distributed", "cloudpickle")
CODE_DIGITS = 12  # of the digest of the code, as people read it
SECONDS = 10  # to wait for the scheduler, and for a first worker
START = "start it with `.venv/bin/python -m dask worker {}` in the project's folder"


@contextmanager
def connect_to_workers(address: str) -> Iterator[Any]:
    """Give a client of the scheduler, whose workers can fit.

    Raises:
        WorkersUnusable: Dask is not installed, nothing answers, there is no worker, or its versions are others.
    """
    try:
        from distributed import Client
    except ImportError:
        raise WorkersUnusable(
            "WAYBILL_DASK_SCHEDULER is set, but Dask is not installed: `make dask` installs it"
        ) from None
    for name in [name for name in logging.root.manager.loggerDict if name.startswith("distributed")]:
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what it says of a lost worker, the error says
    try:
        client = Client(address, timeout=SECONDS, set_as_default=False)
    except (OSError, ValueError, RuntimeError):
        raise WorkersUnusable(
            f"no Dask scheduler answers at {address}: start it with `.venv/bin/python -m dask scheduler`, or unset"
            " WAYBILL_DASK_SCHEDULER to train on this machine"
        ) from None
    try:
        _check_workers(client, address)
        yield client
    finally:
        client.close(timeout=SECONDS)


def describe_worker() -> dict[str, str]:
    """Return the versions of Python, the libraries and Dask, and a digest of the code, all of this process."""
    return {**versions(), **{name: version(name) for name in PACKAGES}, "code of ml": digest_of_files()[:CODE_DIGITS]}


def _check_workers(client: Any, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=SECONDS)
    except TimeoutError:
        raise WorkersUnusable(f"the Dask scheduler at {address} has no worker: {START.format(address)}") from None
    try:
        found = client.run(describe_worker)
    except Exception as error:  # Dask raises a bare one for an error that a worker has before it runs the function
        raise WorkersUnusable(
            f"a Dask worker at {address} cannot run this project ({error}): {START.format(address)}"
        ) from None
    expected = describe_worker()
    for worker, described in sorted(found.items()):
        if others := [name for name in expected if described.get(name) != expected[name]]:
            shown = ", ".join(f"{name} {described.get(name)} instead of {expected[name]}" for name in others)
            raise WorkersUnusable(
                f"the Dask worker {worker} has {shown}: update it to this machine's checkout and packages, start it"
                " again, and run this again"
            )


@contextmanager
def lost_workers(address: str) -> Iterator[None]:
    """Raise WorkersUnusable if the cluster is lost during the block."""
    from concurrent.futures import CancelledError

    from distributed import KilledWorker
    from distributed.client import FutureCancelledError
    from distributed.comm import CommClosedError

    try:
        yield
    except (KilledWorker, CommClosedError, CancelledError, FutureCancelledError) as error:
        raise WorkersUnusable(
            f"Dask's workers at {address} were lost ({type(error).__name__}): start them again, then"
            f" `{shown_command('train')}`"
        ) from None
