"""Shows parts of the model card as outputs of a notebook, in their own style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.model_card.figures import FigureTable
from pipeline.model_card.page import TEMPLATES
from pipeline.report.line_pictures import Curve, draw_curves
from pipeline.report.rendering import render_page


@dataclass(frozen=True)
class Shown:
    """An output that Jupyter shows as HTML."""

    html: str

    def _repr_html_(self) -> str:
        return self.html


def show_tables(*tables: FigureTable | None) -> Shown:
    """Return tables with the pictures of their first figures; None is left out."""
    return _show(tables=[table for table in tables if table])


def show_curves(manifest: Mapping[str, Any], *names: str) -> Shown:
    """Return a model's curves of these names: roc, precision_recall, calibration."""
    found = {name: points for name, points in manifest.get("curves", {}).items() if name in names}
    return show_pictures(draw_curves(found, float(manifest.get("metrics", {}).get("base_rate", 0))))


def show_pictures(curves: Sequence[Curve]) -> Shown:
    """Return curves beside each other."""
    return _show(curves=curves)


def _show(*, tables: Sequence[FigureTable] = (), curves: Sequence[Curve] = ()) -> Shown:
    context = {"tables": tables, "curves": curves}
    return Shown(render_page("notebook_output.html.j2", context, templates=TEMPLATES))
