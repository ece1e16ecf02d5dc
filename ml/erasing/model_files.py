"""Rewrites the files of a model from which something was erased, so that they verify again.

1. Write the new model beside the old one. 2. Replace the manifest, which has the new checksum. 3. Rename the new model.
Between 2 and 3, and if the process is killed there, `ml.registry.artefact.load` takes the new model.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ml.registry.evaluation import SETS, EvaluatedRows, Evaluation, read_evaluation, write_evaluation
from ml.registry.folders import MANIFEST, FoundModel
from ml.registry.model_bytes import MODEL, NEW_MODEL, checksum, is_edited, sealed, write_model
from waybill.atomic_files import atomic_file, write_atomic


def complete_rewriting(model: FoundModel) -> None:
    """Do step 3. for a model whose manifest was replaced; forget a new model that no manifest names."""
    new = model.folder / NEW_MODEL
    if not new.exists():
        return
    if checksum(new) == model.manifest.get("sha256"):
        new.replace(model.folder / MODEL)
    else:
        new.unlink()


def rewrite_model(model: FoundModel, manifest: dict[str, Any], pipeline: Any | None) -> None:
    """Write a model's manifest, which has changed, and the model itself if it is given.

    A manifest that was edited before is not sealed again, so that the edit stays known.
    """
    folder, new = model.folder, model.folder / NEW_MODEL
    if pipeline is not None:
        with atomic_file(new) as partial:
            write_model(pipeline, partial)  # 1.
        new.chmod((folder / MODEL).stat().st_mode)
        manifest = {**manifest, "sha256": checksum(new)}
    complete = manifest if is_edited(model.manifest) else sealed(manifest)
    write_atomic(folder / MANIFEST, json.dumps(complete, indent=1, allow_nan=False))  # 2.
    if pipeline is not None:
        new.replace(folder / MODEL)  # 3.


def forget_rows(folder: Path, gone_of: Callable[[Any], Any]) -> None:
    """Delete rows from what a model was measured on; `gone_of` returns which of some hashes of keys are gone."""
    import numpy as np

    evaluation = read_evaluation(folder)
    if evaluation is None:
        return
    sets = [getattr(evaluation, name) for name in SETS]
    gone = gone_of(np.concatenate([evaluation.labelled, *(rows.keys for rows in sets)]))
    if len(gone):
        labelled = evaluation.labelled[~np.isin(evaluation.labelled, gone)]
        validation, test = (_without(rows, gone) for rows in sets)
        write_evaluation(Evaluation(validation, test, labelled), folder)


def _without(rows: EvaluatedRows, gone: Any) -> EvaluatedRows:
    import numpy as np

    is_kept = ~np.isin(rows.keys, gone)
    return EvaluatedRows(rows.keys[is_kept], rows.labels[is_kept], rows.blocks[is_kept], rows.probabilities[is_kept])
