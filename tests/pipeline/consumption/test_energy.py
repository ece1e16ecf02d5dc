"""Energy comes from RAPL, or from an estimate that names its watts."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.consumption.energy import EnergyMeter
from waybill.settings import get_settings


def put_zone(folder: Path, name: str, counter: int) -> Path:
    folder.mkdir()
    (folder / "name").write_text(f"{name}\n")
    (folder / "energy_uj").write_text(f"{counter}\n")
    (folder / "max_energy_range_uj").write_text("1000000000\n")
    return folder


def test_rapl_energy_excludes_idling_and_other_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = put_zone(tmp_path / "intel-rapl:0", "package-0", 900_000_000)
    put_zone(tmp_path / "intel-rapl:0:0", "core", 5)
    busy = iter([100.0, 120.0])
    monkeypatch.setattr("pipeline.consumption.energy._busy_seconds", lambda: next(busy))
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    meter = EnergyMeter(get_settings(), tmp_path)
    (package / "energy_uj").write_text("14800000\n")  # the counter wrapped around
    found = meter.used(cpu_seconds=5.0, wall_seconds=10.0)
    assert found.method == "rapl"
    assert found.joules == pytest.approx((114.8 - 0.74 * 2 * 10) * 5 / 20)
    assert found.grams_co2 == pytest.approx(found.joules / 3_600_000 * 473)
    assert "RAPL, less 0.74 W a core for idling" in found.description


def test_the_platform_is_not_added_to_its_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    monkeypatch.setattr("pipeline.consumption.energy._busy_seconds", lambda: 0.0)
    package = put_zone(tmp_path / "intel-rapl:0", "package-0", 0)
    platform = put_zone(tmp_path / "intel-rapl:1", "psys", 0)
    meter = EnergyMeter(get_settings(), tmp_path)
    (package / "energy_uj").write_text("50000000\n")
    (platform / "energy_uj").write_text("80000000\n")
    found = meter.used(cpu_seconds=10.0, wall_seconds=10.0)
    assert (found.method, found.joules) == ("rapl", pytest.approx(50 - 0.74 * 10))


def test_without_rapl_the_estimate_names_its_watts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_BUSY_WATTS", "10")
    monkeypatch.setenv("WAYBILL_IDLE_WATTS", "2")
    monkeypatch.setenv("WAYBILL_GRID_GRAMS", "36")
    found = EnergyMeter(get_settings(), tmp_path).used(cpu_seconds=5.0, wall_seconds=100.0)
    assert (found.method, found.joules, found.grams_co2) == ("estimate", 40.0, pytest.approx(0.0004))
    assert found.description == "estimate: CPU seconds × 8 W (10 W a busy core less 2 W idle); 36 g of CO2 a kWh"
