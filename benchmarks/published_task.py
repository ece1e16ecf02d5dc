# waybill: sample
"""Reproduces a published model on the sample's data with scikit-learn: a check of the tools, not the sample's own task.

tidymodels, "Preprocess your data with recipes" (tidymodels.org/start/recipes): a logistic regression says whether a
flight arrives 30 minutes late or more, on a random split; its ROC AUC is 0.764. It uses the actual departure time and
the time in the air, which are known too late for a prediction. Without them, and on a split by time, less remains.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import click
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.tables import print_table
from data.sample.tables import read_table

PUBLISHED = 0.764
LATE_MINUTES = 30
TOO_LATE = ["dep_time", "air_time"]
INSTEAD = ["sched_dep_time"]  # which a prediction may use
TEXTS = ["origin", "dest", "carrier", "day_of_week", "month"]
FLIGHTS = ["origin", "dest", "carrier", "dep_time", "sched_dep_time", "air_time", "distance", "arr_delay",
           "time_hour"]  # fmt: skip
# of 2013, as the recipe's list of US holidays has them
HOLIDAYS = ("01-01", "01-20", "01-21", "02-12", "02-18", "03-04", "03-29", "05-27", "06-19", "07-04", "09-02", "10-14",
            "11-05", "11-11", "11-28", "12-25")  # fmt: skip
FROM_OCTOBER = "2013-10-01"
COLUMNS = {"model": 34, "rows": 10, "ROC AUC": 10, "lowest to highest": 20, "known before": 14, "by time": 10,
           "seconds": 9}  # fmt: skip


@click.command()
@click.option("--quick", is_flag=True, help="A tenth of the rows, one split.")
@click.option("--splits", type=click.IntRange(1, 20), default=3, show_default=True, help="How many random splits.")
def main(quick: bool, splits: int) -> None:
    """Fit the published model and two forests of trees on random splits, then without what is known too late.

    Example: python -m benchmarks.published_task --quick
    """
    rows = read_complete_flights()
    if quick:
        rows, splits = rows.sample(frac=0.1, random_state=1), 1
    import sklearn.ensemble  # noqa: F401, a library that is loaded later is not limited

    with threadpool_limits(1):  # on a busy machine a second thread makes boosting much slower
        print_table(COLUMNS, (_row(name, rows, splits) for name in MODELS))
    click.echo(
        f"published: ROC AUC {PUBLISHED} for the logistic regression. Known before: the scheduled departure instead of"
        f" {' and '.join(TOO_LATE)}; by time: the same, tested on the flights from {FROM_OCTOBER} on"
    )


def read_complete_flights() -> pd.DataFrame:
    """Return the flights that have a weather row and no missing value, as the published recipe takes them."""
    flights = pd.DataFrame({name: row[name] for name in FLIGHTS} for row in read_table("flights"))
    weather = pd.DataFrame({name: row[name] for name in ("origin", "time_hour")} for row in read_table("weather"))
    rows = flights.merge(weather, on=["origin", "time_hour"]).replace("NA", None).dropna()
    numbers = ["dep_time", "sched_dep_time", "air_time", "distance", "arr_delay"]
    rows[numbers] = rows[numbers].astype("float64")
    # The recipe takes the date from the hour's UTC text.
    date = pd.to_datetime(rows.pop("time_hour")).dt.tz_localize(None)
    rows["late"] = (rows.pop("arr_delay") >= LATE_MINUTES).astype(int)
    rows["day_of_week"], rows["month"] = date.dt.day_name(), date.dt.month_name()
    for day in HOLIDAYS:
        rows[f"holiday {day}"] = (date.dt.strftime("%m-%d") == day).astype("float64")
    rows["date"] = date
    return rows


def _logistic_regression(columns: list[str]) -> Any:
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    texts = [name for name in columns if name in TEXTS]
    encoder = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), texts), remainder=StandardScaler())
    return make_pipeline(encoder, LogisticRegression(max_iter=300))


def _trees(columns: list[str], classifier: Any) -> Any:
    from sklearn.compose import make_column_transformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    texts = [name for name in columns if name in TEXTS]
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    return make_pipeline(make_column_transformer((codes, texts), remainder="passthrough"), classifier)


def _random_forest(columns: list[str]) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return _trees(columns, RandomForestClassifier(100, min_samples_leaf=2, n_jobs=2, random_state=1))


def _boosting(columns: list[str]) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return _trees(columns, HistGradientBoostingClassifier(max_iter=100, random_state=1))


MODELS = {
    "logistic regression": _logistic_regression,
    "random forest, 100 trees": _random_forest,
    "histogram gradient boosting, 100": _boosting,
}


def _row(name: str, rows: pd.DataFrame, splits: int) -> list[str]:
    started = time.monotonic()
    columns = [column for column in rows.columns if column not in ("late", "date", *INSTEAD)]
    known = [column for column in [*columns, *INSTEAD] if column not in TOO_LATE]
    figures = [_score(name, rows, columns, _random_test(rows, seed)) for seed in range(splits)]
    without = _score(name, rows, known, _random_test(rows, 0))
    by_time = _score(name, rows, known, (rows["date"] >= FROM_OCTOBER).to_numpy())
    spread = f"{min(figures):.3f} to {max(figures):.3f}"
    seconds = f"{time.monotonic() - started:.0f}"
    return [
        name, f"{len(rows):,}", f"{statistics.mean(figures):.3f}", spread, f"{without:.3f}", f"{by_time:.3f}", seconds
    ]  # fmt: skip


def _random_test(rows: pd.DataFrame, seed: int) -> Any:
    """Return which quarter of the rows is for the test."""
    return np.random.default_rng(seed).permutation(len(rows)) < len(rows) / 4


def _score(name: str, rows: pd.DataFrame, columns: list[str], is_test: Any) -> float:
    from sklearn.metrics import roc_auc_score

    model = MODELS[name](columns).fit(rows.loc[~is_test, columns], rows.loc[~is_test, "late"])
    return float(roc_auc_score(rows.loc[is_test, "late"], model.predict_proba(rows.loc[is_test, columns])[:, 1]))


if __name__ == "__main__":
    main()
