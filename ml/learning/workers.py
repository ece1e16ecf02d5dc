"""Runs fits at once: two on this machine or, if WAYBILL_DASK_SCHEDULER names one, on the workers of a Dask cluster.

On a cluster, joblib's Dask backend spreads the fits and, inside a fit of a forest, its trees. Where something was
fitted changes neither metrics nor the bytes of a model: each fit has its seed, and one thread for linear algebra.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ml.errors import WorkersUnusable
from ml.learning.cluster import connect_to_workers, describe_worker, lost_workers
from waybill.settings import get_settings

AT_ONCE = 2  # on this machine; on a cluster as many as its workers have threads
MAX_THREADS = 1  # of one fit: on a shared machine a second thread makes boosting slower


def run_fits(
    function: Callable[..., Any], calls: Iterable[Sequence[Any]], *, shared: Sequence[Any] = (), in_order: bool = True
) -> Iterator[Any]:
    """Yield `function(*shared, *call)` for each call, in the order of the calls or, if not `in_order`, as they finish.

    A call is taken when a fit can begin, so that `calls` can end early. On a cluster, `function` must be one of a
    module of the project, and `shared` is sent once to each worker; pass rows there.

    Raises:
        WorkersUnusable: see `ml.errors`.
    """
    address = get_settings().waybill_dask_scheduler
    from joblib import Parallel, delayed

    order = "generator" if in_order else "generator_unordered"
    if address is None:
        with _one_thread_each():
            parallel = Parallel(AT_ONCE, return_as=order, pre_dispatch="n_jobs", batch_size=1, backend="threading")
            yield from parallel(delayed(_fit_in_thread)(function, *shared, *call) for call in calls)
        return
    with connect_to_workers(address) as client, _on_cluster(client, shared):
        at_once = sum(client.nthreads().values())
        parallel = Parallel(at_once, return_as=order, pre_dispatch="n_jobs", batch_size=1)
        expected = describe_worker()
        with lost_workers(address):
            yield from parallel(delayed(_fit_on_worker)(expected, function, *shared, *call) for call in calls)


@contextmanager
def _on_cluster(client: Any, shared: Sequence[Any]) -> Iterator[None]:
    from joblib import parallel_config

    with parallel_config(backend="dask", client=client, scatter=list(shared)):
        yield


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Limit the threads of linear algebra during the block; libraries that are loaded later are not limited."""
    from threadpoolctl import threadpool_limits

    load_libraries()
    with threadpool_limits(MAX_THREADS):
        yield


def _fit_in_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what the function returns, with one OpenMP thread.

    OpenMP counts its threads for each thread that calls it: a limit of the main thread does not hold here. With more
    than one, boosting adds its numbers in another order, so that equal rows do not give the same model.
    """
    from threadpoolctl import threadpool_limits

    threadpool_limits(MAX_THREADS)  # as long as joblib's thread lives; libraries without such a count: see above
    return function(*arguments)


def load_libraries() -> None:
    """Import what fits need, so that it is there when threads are limited."""
    import sklearn.ensemble
    import sklearn.linear_model
    import sklearn.preprocessing  # noqa: F401


def _fit_on_worker(expected: dict[str, str], function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what the function returns on this worker, which may have joined late: its versions are compared first."""
    if (found := describe_worker()) != expected:
        raise WorkersUnusable(f"a worker of Dask that joined during the work has other versions: {found}")
    load_libraries()
    return _fit_in_thread(function, *arguments)
