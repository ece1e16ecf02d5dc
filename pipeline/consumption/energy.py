"""Energy that work used above an idle machine, and its CO2. A figure always comes with its method."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import psutil

from waybill.settings import Settings

POWERCAP = Path("/sys/class/powercap")
JOULES_PER_KWH = 3_600_000


@dataclass(frozen=True)
class Energy:
    """Joules above idle, grams of CO2, the method and its assumptions."""

    joules: float
    grams_co2: float
    method: str
    assumptions: dict[str, float]

    @property
    def description(self) -> str:
        """The method, described for a person."""
        return describe(self.method, self.assumptions)


def describe(method: str, assumptions: dict[str, float]) -> str:
    """Describe the method with its figures."""
    busy, idle = assumptions["busy_watts"], assumptions["idle_watts"]
    grid = f"{assumptions['grid_grams_per_kwh']:g} g of CO2 a kWh"
    if method == "rapl":
        return f"RAPL, less {idle:g} W a core for idling, our share of the machine's busy time; {grid}"
    return f"estimate: CPU seconds × {busy - idle:.3g} W ({busy:g} W a busy core less {idle:g} W idle); {grid}"


class EnergyMeter:
    """Reads the processor's energy counters (RAPL) if they are readable; otherwise estimates from CPU seconds."""

    def __init__(self, settings: Settings, powercap: Path = POWERCAP) -> None:
        """Start counting."""
        self._powercap = powercap
        self._assumptions = {
            "busy_watts": settings.waybill_busy_watts,
            "idle_watts": settings.waybill_idle_watts,
            "grid_grams_per_kwh": settings.waybill_grid_grams,
        }
        self._before, self._busy_before = _packages(powercap), _busy_seconds()

    def used(self, cpu_seconds: float, wall_seconds: float) -> Energy:
        """Return the energy of work that used `cpu_seconds` since this meter was created.

        From RAPL's joules, idle watts are subtracted for every core and second. The work gets the share of the rest
        that its CPU time has in the machine's busy time.
        """
        idle = self._assumptions["idle_watts"]
        method, joules = "estimate", cpu_seconds * (self._assumptions["busy_watts"] - idle)
        after = _packages(self._powercap)
        if self._before and self._before.keys() == after.keys():
            whole = sum(_increase(self._before[name], after[name]) for name in after)
            busy = max(_busy_seconds() - self._busy_before, cpu_seconds, 1e-9)
            above_idle = max(whole - idle * (os.cpu_count() or 1) * wall_seconds, 0.0)
            method, joules = "rapl", above_idle * cpu_seconds / busy
        grams = joules / JOULES_PER_KWH * self._assumptions["grid_grams_per_kwh"]
        return Energy(joules, grams, method, self._assumptions)


def _packages(powercap: Path) -> dict[str, tuple[int, int]]:
    """Return package → (its counter, the counter's maximum) in microjoules; empty if they are not readable."""
    try:
        return {
            package.name: (
                int((package / "energy_uj").read_text(encoding="utf-8")),
                int((package / "max_energy_range_uj").read_text(encoding="utf-8")),
            )
            for package in powercap.glob("intel-rapl:*")
            if package.name.count(":") == 1  # it includes its parts, such as memory and cores
            and (package / "name").read_text(encoding="utf-8").strip()
            != "psys"  # the platform, which includes the packages
        }
    except (OSError, ValueError):
        return {}


def _increase(before: tuple[int, int], after: tuple[int, int]) -> float:
    """Return the joules between two readings; the counter restarts at 0 after its maximum."""
    microjoules = after[0] - before[0]
    return (microjoules if microjoules >= 0 else microjoules + after[1]) / 1e6


def _busy_seconds() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - sum(getattr(times, name, 0.0) for name in ("iowait", "guest", "guest_nice")))
