"""Computes the metrics of all bootstrap replicates at once, from sums and histograms of each block."""

from __future__ import annotations

from typing import Any

from ml.measuring.bootstrap import Blocks, replicate_sums

SCORE_BINS = 500  # of a histogram of scores: so many quantiles
CALIBRATION_BINS = 10


def replicate_binary(blocks: Blocks, labels: Any, probability: Any, threshold: float) -> dict[str, Any]:
    """Return for each metric of two classes its value in each replicate, NaN where it is undefined."""
    import numpy as np

    predicted = probability >= threshold
    rows = replicate_sums(blocks, np.ones(len(labels)))
    true_positives = replicate_sums(blocks, predicted & (labels == 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            **replicate_ranking(blocks, labels, probability),
            "brier": replicate_sums(blocks, (probability - labels) ** 2) / rows,
            "ece": _calibration_error(blocks, labels, probability) / rows,
            "precision": true_positives / replicate_sums(blocks, predicted),
            "recall": true_positives / replicate_sums(blocks, labels == 1),
        }


def replicate_ranking(blocks: Blocks, labels: Any, scores: Any, bins: int = SCORE_BINS) -> dict[str, Any]:
    """Return ROC AUC and average precision of each replicate, from histograms of the scores."""
    import numpy as np

    edges = np.unique(np.quantile(scores, np.linspace(0, 1, bins + 1)[1:-1]))
    of_rows = np.searchsorted(edges, scores, side="right")
    positives = _histograms(blocks, of_rows, labels == 1, len(edges) + 1)
    negatives = _histograms(blocks, of_rows, labels != 1, len(edges) + 1)
    above = np.cumsum(positives[:, ::-1], axis=1)[:, ::-1]  # in this bin or a higher one
    with np.errstate(invalid="ignore", divide="ignore"):
        pairs = above[:, :1] * negatives.sum(axis=1, keepdims=True)
        won = ((above - positives / 2) * negatives).sum(axis=1)
        predicted = above + np.cumsum(negatives[:, ::-1], axis=1)[:, ::-1]
        precision = np.divide(above, predicted, out=np.zeros_like(above), where=predicted > 0)
        return {
            "roc_auc": won / pairs[:, 0],
            "pr_auc": (positives * precision).sum(axis=1) / above[:, 0],
        }


def replicate_classes(blocks: Blocks, labels: Any, probabilities: Any) -> dict[str, Any]:
    """Return for each metric of more than two classes its value in each replicate, NaN where it is undefined."""
    import numpy as np

    classes = range(probabilities.shape[1])
    predicted = probabilities.argmax(axis=1)
    rows = replicate_sums(blocks, np.ones(len(labels)))
    is_class = [replicate_sums(blocks, labels == one) for one in classes]
    is_predicted = [replicate_sums(blocks, predicted == one) for one in classes]
    both = [replicate_sums(blocks, (predicted == one) & (labels == one)) for one in classes]
    ranking = [replicate_ranking(blocks, labels == one, probabilities[:, one])["roc_auc"] for one in classes]
    likelihood = np.clip(probabilities[np.arange(len(labels)), labels], np.finfo("float32").eps, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        f1 = [
            np.nan_to_num(2 * hit / (real + said), nan=0)
            for hit, real, said in zip(both, is_class, is_predicted, strict=True)
        ]
        return {
            "roc_auc": np.mean(ranking, axis=0),
            "macro_f1": np.mean(f1, axis=0),
            "balanced_accuracy": np.mean([hit / of for hit, of in zip(both, is_class, strict=True)], axis=0),
            "log_loss": replicate_sums(blocks, -np.log(likelihood)) / rows,
            "accuracy": np.sum(both, axis=0) / rows,
        }


def replicate_bins(blocks: Blocks, labels: Any, probability: Any) -> dict[int, Any]:
    """Return the share of positives of each replicate, for each non-empty bin of probabilities out of ten."""
    import numpy as np

    of_rows = calibration_bins(probability)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            int(one): replicate_sums(blocks, (of_rows == one) & (labels == 1)) / replicate_sums(blocks, of_rows == one)
            for one in np.unique(of_rows)
        }


def calibration_bins(probability: Any) -> Any:
    """Return for each probability its bin out of ten of equal width."""
    import numpy as np

    return np.minimum((probability * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)


def _calibration_error(blocks: Blocks, labels: Any, probability: Any) -> Any:
    """Return for each replicate the calibration error times its rows."""
    import numpy as np

    of_rows = calibration_bins(probability)
    gaps = [replicate_sums(blocks, np.where(of_rows == one, probability - labels, 0)) for one in np.unique(of_rows)]
    return np.abs(gaps).sum(axis=0)


def _histograms(blocks: Blocks, bins: Any, mask: Any, count: int) -> Any:
    """Return for each replicate the number of the mask's rows in each bin."""
    import numpy as np

    cells = blocks.of_rows[mask] * count + bins[mask]
    of_blocks = np.bincount(cells, minlength=blocks.count * count).reshape(blocks.count, count)
    return (blocks.weights @ of_blocks.astype("float32")).astype("float64")
