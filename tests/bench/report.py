# SPDX-License-Identifier: Apache-2.0
"""What the reader gets: one row per measurement, as an aligned table and as JSON."""

from __future__ import annotations

import dataclasses
import os
import platform
import re
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable

from processes import MeasurementError, last_line, run_for_output


@dataclasses.dataclass
class Target:
    limit: float
    at_least: bool  # otherwise at most
    unit: str = ""
    label: str = ""  # for a yes-or-no target: what the reader sees instead of the limit

    def met_by(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit

    def __str__(self) -> str:
        if self.label:
            return self.label
        return f"{'>=' if self.at_least else '<='} {self.limit:g}{' ' + self.unit if self.unit else ''}"


def at_most(limit: float, unit: str = "") -> Target:
    return Target(limit, at_least=False, unit=unit)


def at_least(limit: float, unit: str = "") -> Target:
    return Target(limit, at_least=True, unit=unit)


@dataclasses.dataclass
class Row:
    """One measurement. `values` are one figure a round, and their median is held against the target."""

    name: str
    measure: str
    dunlin: str = ""
    peer: str = ""
    values: list[float] = dataclasses.field(default_factory=list)
    unit: str = ""
    target: Target | None = None
    note: str = ""
    failure: str = ""
    skipped: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def verdict(self) -> str:
        if self.skipped:
            return "skipped"
        if self.failure:
            return "failed"
        if self.target is None:
            return "-"
        return "ok" if self.target.met_by(self.median) else "short"

    def spread(self) -> str:
        if not self.values or (self.target is not None and self.target.label):
            return ""
        if len(self.values) == 1:
            return number(self.median)
        return f"{number(self.median)} ({number(min(self.values))}..{number(max(self.values))})"

    def cells(self) -> list[str]:
        target = "" if self.target is None else str(self.target)
        return [self.name, self.measure, self.dunlin, self.peer, self.spread(), target, self.verdict]

    def remark(self) -> str:
        return self.failure or self.skipped or self.note

    def to_json(self) -> dict:
        return {
            "name": self.name,
            "measure": self.measure,
            "values": self.values,
            "median": self.median if self.values else None,
            "unit": self.unit,
            "target": None if self.target is None else str(self.target),
            "verdict": self.verdict,
            "remark": self.remark(),
        }


def number(value: float) -> str:
    """Three significant digits, and no exponent."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def rate(per_second: float) -> str:
    if per_second >= 1e6:
        return f"{per_second / 1e6:.2f} M/s"
    return f"{per_second / 1e3:.1f} k/s"


def duration(us: float) -> str:
    return f"{us / 1e3:.1f} ms" if us >= 10_000 else f"{us:.0f} us"


LEFT_ALIGNED = {0, 1, 5, 6}
# What a cell of these columns takes as a rule: rows that are printed one by one cannot know the others.
USUAL_WIDTHS = [0, 22, 12, 22, 22, 10, 0]


def heading_cells(ours: str, theirs: str) -> list[str]:
    return ["measurement", "of", ours, theirs, "value (min..max)", "target", ""]


def line_of(cells: list[str], widths: list[int]) -> str:
    padded = (
        cell.ljust(width) if column in LEFT_ALIGNED else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths))
    )
    return "  ".join(padded).rstrip()


def table(rows: list[Row], ours: str = "Dunlin", theirs: str = "peer") -> str:
    grid = [heading_cells(ours, theirs)] + [row.cells() for row in rows]
    widths = [max(len(line[column]) for line in grid) for column in range(len(grid[0]))]
    lines = [line_of(grid[0], widths), "  ".join("-" * width for width in widths).rstrip()]
    lines += [line_of(cells, widths) for cells in grid[1:]]
    remarks = [f"{row.name}: {row.remark()}" for row in rows if row.remark()]
    return "\n".join(lines + ([""] + remarks if remarks else []))


class GrowingTable:
    """Prints each row when it is known, so that who ends a run early has what it had."""

    def __init__(self, names: list[str], ours: str = "Dunlin", theirs: str = "peer"):
        self._heading = heading_cells(ours, theirs)
        self._widths = [max(len(cell), usual) for cell, usual in zip(self._heading, USUAL_WIDTHS)]
        self._widths[0] = max([len(name) for name in names] + [self._widths[0]])

    def begin(self) -> None:
        print(line_of(self._heading, self._widths), flush=True)

    def add(self, row: Row) -> None:
        remark = f"  {row.failure or row.skipped}" if row.failure or row.skipped else ""
        print(line_of(row.cells(), self._widths) + remark, flush=True)


def measured(row: Row, take: Callable[[Row], None]) -> Row:
    """Fills the row by `take`; a figure that cannot be taken must not cost the reader the others."""
    try:
        take(row)
    except MeasurementError as problem:
        row.failure = str(problem)
        row.values = []
    return row


class Progress:
    """One line that rewrites itself, and only where somebody is looking."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()

    def show(self, text: str) -> None:
        if self._shown:
            width = shutil.get_terminal_size().columns - 1
            sys.stderr.write("\r\x1b[K" + text[:width])
            sys.stderr.flush()

    def clear(self) -> None:
        self.show("")


def machine() -> dict:
    cpu = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return {
        "cpu": cpu.group(1) if cpu else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mib": int(memory.group(1)) // 1024 if memory else None,
        "kernel": platform.release(),
        "cores_busy_before": cores_busy(),
        "disk_sync_us_p50": disk_sync_us_p50(),
    }


def disk_sync_us_p50(count: int = 200) -> float:
    """Of fdatasync after 4 KiB at the end of a file, where temporary folders are: what a commit cannot be faster than."""
    took_ns = []
    with tempfile.TemporaryFile(buffering=0) as file:
        for _ in range(count):
            file.write(b"x" * 4096)
            began_ns = time.perf_counter_ns()
            os.fdatasync(file.fileno())
            took_ns.append(time.perf_counter_ns() - began_ns)
    return round(statistics.median(took_ns) / 1e3, 1)


def cores_busy(over_s: float = 2.0) -> float:
    """How many cores others keep busy now. The load average would still tell of the build."""

    def ticks() -> tuple[int, int]:
        # proc(5): user, nice, system, idle, iowait, irq, softirq, steal
        each = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        return sum(each), each[3] + each[4]

    total_before, idle_before = ticks()
    time.sleep(over_s)
    total, idle = ticks()
    share_busy = 1 - (idle - idle_before) / max(1, total - total_before)
    return round(share_busy * (os.cpu_count() or 1), 2)


def version_of(argv: list) -> str | None:
    try:
        return last_line(run_for_output(argv, timeout_s=10))
    except MeasurementError:
        return None
