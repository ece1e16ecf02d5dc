# waybill: sample
"""What a probe reached with the sample's rows, label and split, and the table that shows it beside the model's figures.

The probe was made with scikit-learn before the project had a model. It fitted each row's features on January to
September and measured them on November and December. Its features are not the project's; only the rows are the same.
"""

from __future__ import annotations

from typing import Any

from benchmarks.tables import print_table

ESTIMATORS = {"logistic_regression": "LR", "random_forest": "RF", "hist_gradient_boosting": "HGB"}
METRICS = {"roc_auc": "ROC AUC", "pr_auc": "PR-AUC", "brier": "Brier", "ece": "ECE"}
SHOWN = ("roc_auc", "pr_auc", "brier")
# features → ROC AUC, PR-AUC and Brier score of each estimator
PROBE: dict[str, dict[str, tuple[float, float, float]]] = {
    "schedule only": {"LR": (0.625, 0.357, 0.186), "RF": (0.634, 0.371, 0.185), "HGB": (0.626, 0.351, 0.187)},
    "+ weather at the cut-off": {
        "LR": (0.688, 0.467, 0.173),
        "RF": (0.693, 0.474, 0.171),
        "HGB": (0.690, 0.461, 0.173),
    },
    "+ history at the cut-off": {
        "LR": (0.762, 0.577, 0.154),
        "RF": (0.763, 0.577, 0.154),
        "HGB": (0.772, 0.595, 0.151),
    },
    "the same in 36 columns": {"LR": (0.762, 0.575, 0.154), "RF": (0.767, 0.588, 0.153), "HGB": (0.772, 0.596, 0.151)},
    "many more history columns": {"HGB": (0.787, 0.619, 0.147)},
}
NONE = "–"


def print_beside_probe(manifest: dict[str, Any]) -> None:
    """Print figures on the test set: the probe's rows, then the candidates as they were fitted on train."""
    candidates = manifest["candidates"]
    ours = {
        short: tuple(candidates[name]["test"][metric] for metric in SHOWN)
        for name, short in ESTIMATORS.items()
        if name in candidates
    }
    rows = {**PROBE, f"this project's {len(manifest['features'])} features": ours}
    print_table(
        {"on test: ROC AUC / PR-AUC / Brier": 36, **dict.fromkeys(ESTIMATORS.values(), 24)},
        (
            [what, *(" / ".join(f"{one:.3f}" for one in found.get(short, ())) or NONE for short in ESTIMATORS.values())]
            for what, found in rows.items()
        ),
    )


def print_candidates(manifest: dict[str, Any]) -> None:
    """Print every candidate's figures on the test set with their intervals, then those of the refitted model."""
    figures = {name: one["test"] for name, one in manifest["candidates"].items()}
    figures[f"{manifest['chosen']}, refitted"] = manifest["metrics"]
    print_table(
        {"on test, 95 % intervals": 34, **dict.fromkeys(METRICS.values(), 26)},
        ([name, *(_with_interval(found, metric) for metric in METRICS)] for name, found in figures.items()),
    )


def _with_interval(found: dict[str, Any], metric: str) -> str:
    interval = (found.get("intervals") or {}).get(metric)
    return f"{found[metric]:.3f}" + (f" ({interval[0]:.3f} to {interval[1]:.3f})" if interval else "")
