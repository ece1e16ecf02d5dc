"""The books as a flow picture: the positions of its bars, bands and labels; the template draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.accounting import SourceAccount
from warehouse.outcomes import ERASED, OUTCOMES, UNDONE

WIDTH, BAR_WIDTH, READ_HEIGHT = 510, 14, 170  # READ_HEIGHT is that of the bar of all documents read
COLUMNS = (0, 190, 380)  # x of the three columns of bars
LABEL_HEIGHT, GAP = 40, 6  # GAP is between two bars
MIN_HEIGHT = 2.0


@dataclass(frozen=True)
class Bar:
    """One bar with its label; `link` is the section of the page that lists its documents."""

    name: str
    documents: int
    x: float
    y: float
    height: float
    link: str | None = None

    @property
    def middle(self) -> float:
        """The y of its label."""
        return self.y + self.height / 2


@dataclass(frozen=True)
class Band:
    """The flow from one bar to another, as the SVG path of its outline."""

    name: str
    path: str


@dataclass(frozen=True)
class FlowPicture:
    """The whole picture, and the same numbers as a sentence."""

    width: int
    height: float
    bars: list[Bar]
    bands: list[Band]
    sentence: str


def draw_flow(accounts: Sequence[SourceAccount]) -> FlowPicture:
    """Return read → landed, rejected, skipped → outcomes over all sources; before dbt has run, without outcomes."""
    read = sum(account.read for account in accounts)
    intake = {name: sum(getattr(account, name) for account in accounts) for name in ("landed", "rejected", "skipped")}
    outcomes = _outcomes(accounts)
    scale = READ_HEIGHT / read if read else 0.0
    first = _column(0, {"read": read}, scale, {})
    second = _column(1, intake, scale, {"rejected": "#rejected", "skipped": "#sql-skipped"})
    third = _column(2, outcomes, scale, {name: f"#outcome-{name}" for name in OUTCOMES})
    bands = [*_bands(first[0], second), *_bands(second[0], third)]
    bars = [*first, *second, *third]
    counts = [f"{bar.documents:,} {bar.name}" for bar in bars]
    return FlowPicture(
        width=WIDTH,
        height=max(bar.middle + max(bar.height, LABEL_HEIGHT) / 2 for bar in bars) + GAP,
        bars=bars,
        bands=bands,
        sentence=f"Of {counts[0]}: {', '.join(counts[1:4])}."
        + (f" Of the landed: {', '.join(counts[4:])}." if third else ""),
    )


def _outcomes(accounts: Sequence[SourceAccount]) -> dict[str, int]:
    known = [account.outcomes for account in accounts if account.outcomes is not None]
    if not known:
        return {}
    counts = {name: sum(outcomes[name] for outcomes in known) for name in OUTCOMES}
    waiting = sum(account.waiting for account in accounts)
    unknown = sum(sum(account.unknown_outcomes.values()) for account in accounts)
    not_modelled = sum(account.not_modelled for account in accounts)
    gone = {name: sum(getattr(account, name) for account in accounts) for name in (UNDONE, ERASED)}
    others = gone | {"waiting for dbt": waiting, "not modelled": not_modelled, "unknown": unknown}
    return counts | {name: documents for name, documents in others.items() if documents}


def _column(number: int, counts: dict[str, int], scale: float, links: dict[str, str]) -> list[Bar]:
    bars, y = [], float(GAP)
    for name, documents in counts.items():
        height = max(documents * scale, MIN_HEIGHT) if documents else 0.0
        top = y + max(LABEL_HEIGHT - height, 0) / 2
        bars.append(Bar(name, documents, COLUMNS[number], top, height, links.get(name)))
        y += max(height, LABEL_HEIGHT) + GAP
    return bars


def _bands(source: Bar, targets: Sequence[Bar]) -> list[Band]:
    """Return the bands from one bar, one below the other, each as thick as the bar it leads to."""
    bands, y = [], source.y
    left, right = source.x + BAR_WIDTH, targets[0].x if targets else 0.0
    for target in targets:
        if not target.documents or not source.height:
            continue
        thick = min(target.height, source.height)
        top = min(y, source.y + source.height - thick)
        middle = (left + right) / 2
        ends = target.y, target.y + target.height
        bands.append(
            Band(
                target.name,
                f"M{left:.1f} {top:.1f} C{middle:.1f} {top:.1f} {middle:.1f} {ends[0]:.1f} {right:.1f} {ends[0]:.1f} "
                f"V{ends[1]:.1f} "
                f"C{middle:.1f} {ends[1]:.1f} {middle:.1f} {top + thick:.1f} {left:.1f} {top + thick:.1f} Z",
            )
        )
        y += thick
    return bands
