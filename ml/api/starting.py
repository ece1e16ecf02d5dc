"""Opens what the API answers from, and sets up the process for single rows."""

from __future__ import annotations

import gc
import logging
from collections.abc import Sequence

from ml.api.data.answers import AnswerWriter
from ml.api.data.connections import prepare_database
from ml.api.data.errors import DatabaseAway
from ml.api.data.features import FeatureReader
from ml.api.endpoints.services import Limits, Services
from ml.api.models.checks import StoredChecks
from ml.api.models.holder import ModelHolder
from waybill.settings import Settings

logger = logging.getLogger(__name__)


def open_services(settings: Settings, tasks: Sequence[str]) -> Services:
    """Return the services, with the models loaded. A refused model or a database that is away raises no error.

    Raises:
        WarehouseError: the database answers, but its tables cannot be used.
    """
    _set_up_process()
    try:
        prepare_database()
    except DatabaseAway as error:
        logger.warning("the database is away, so only features that are given can be predicted now error=%s", error)
    checks = StoredChecks()
    holder = ModelHolder(tasks, before=lambda model: checks.learn(model.task.task, model.model_id))
    gc.collect()
    gc.freeze()  # a collection that also visits all imported modules and models takes as long as many answers
    return Services(
        tasks=tuple(tasks),
        holder=holder,
        checks=checks,
        reader=FeatureReader(),
        writer=AnswerWriter(),
        limits=Limits(settings.waybill_api_max_bytes, settings.waybill_api_max_rows),
    )


def _set_up_process() -> None:
    """Use one thread, which is faster for few rows, and check no values in scikit-learn: requests were checked."""
    import sklearn
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)
    sklearn.set_config(assume_finite=True, skip_parameter_validation=True)
