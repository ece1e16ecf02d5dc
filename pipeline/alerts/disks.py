"""Judges how full the disks are on which Waybill keeps folders."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterable
from pathlib import Path

from pipeline.alerts.alert import Alert, Found
from waybill.settings import Settings, relative_name


def judge_disks(settings: Settings, others: Iterable[Path] = ()) -> Found:
    """Return an alert for each disk with a folder of the settings, or one of `others`, that is nearly full.

    The disk of an external PostgreSQL or broker cannot be seen from here.
    """
    folders = [
        settings.state_folder,
        settings.raw_folder,
        settings.processed_folder,
        settings.models_folder,
        settings.reports_folder,
        *others,
    ]
    by_disk: dict[int, list[Path]] = {}
    for folder in folders:
        existing = _existing(folder)
        by_disk.setdefault(os.stat(existing).st_dev, []).append(folder)
    return Found([alert for on_disk in by_disk.values() if (alert := _judge(on_disk, settings))])


def _judge(folders: list[Path], settings: Settings) -> Alert | None:
    usage = shutil.disk_usage(_existing(folders[0]))
    percent = 100 * usage.free / max(usage.used + usage.free, 1)  # without what only root may use, as df counts
    if percent >= settings.waybill_alert_disk_percent and usage.free >= settings.waybill_alert_disk_bytes:
        return None
    outermost = [folder for folder in dict.fromkeys(folders) if not set(folder.parents) & set(folders)]
    names = [relative_name(folder) for folder in outermost]
    return Alert(
        rule="disk_nearly_full",
        kind="folder",
        name=names[0],
        message=f"{usage.free / 1e9:.1f} GB ({percent:.1f} %) are free on the disk of {', '.join(names)}",
        command=f"du -xsh {shlex.join(names)}",
    )


def _existing(folder: Path) -> Path:
    """Return the folder, or the first one above it that exists: a folder is made when it is needed."""
    return next(path for path in (folder, *folder.parents) if path.exists())
