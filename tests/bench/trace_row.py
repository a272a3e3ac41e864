# SPDX-License-Identifier: Apache-2.0
"""A recorded load against a node, beside its rehearsal: whether what `dunlin simulate` says holds.

The trace is replayed so many times faster and as many times thinner, so it has the rate that it had, and moves
that much faster. A call sleeps for its service time and holds a thread. `dunlin bench --trace` makes the same calls,
at the same times and of the same lengths, as `dunlin simulate` with these options. Compared are the time of actors, as
the node counts it, and how long calls wait beyond their own time, which at a node includes the way there and back.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Callable

from processes import DunlinNode, MeasurementError, run_for_json
from report import Row, Target, number

FUNCTION = "bench/sleep"
FASTER = 600
SERVICE_MS = 20
TOLERANCE = 0.15
QUICK_PERIODS = 600  # of a trace by the minute: ten hours, and a minute of the row
MINUTES_MAX = 30  # that a run may take


class TraceRows:
    """Two rows of one run: what actors cost, and how long calls wait."""

    def __init__(self, build_dir: Path, trace: Path | None, quick: bool):
        self._build_dir = build_dir
        self._trace = trace
        self._quick = quick
        self._taken: dict | None = None

    def measurements(self) -> list[tuple[Row, Callable[[Row], None]]]:
        limit = Target(TOLERANCE, at_least=False)
        return [
            (Row(f"trace-{FASTER}x", "actor time, off", unit="ratio", target=limit), self._actor_time),
            (Row(f"trace-{FASTER}x-wait", "p99 wait, off", unit="ratio", target=limit), self._waits),
        ]

    def _actor_time(self, row: Row) -> None:
        if not self._take(row):
            return
        real, rehearsed = self._taken["node"], self._taken["rehearsed"]
        row.values = [abs(real["actor_seconds"] / rehearsed["actor_seconds"] - 1)]
        row.dunlin = f"{number(real['actor_seconds'])} s"
        row.peer = f"{number(rehearsed['actor_seconds'])} s rehearsed"
        row.note = (f"{real['calls']:,} calls, busy {number(real['busy_seconds'])} s and rehearsed "
                    f"{number(rehearsed['busy_seconds'])} s; {real['starts']:,} starts and rehearsed "
                    f"{rehearsed['starts']:,}; calls were sent late by {number(real['lag_ms'])} ms at p99")  # fmt: skip

    def _waits(self, row: Row) -> None:
        """By the service time: a tenth of a millisecond more is nothing, and many times what is rehearsed."""
        if not self._take(row):
            return
        real, rehearsed = self._taken["node"], self._taken["rehearsed"]
        row.values = [abs(real["wait_p99_us"] - rehearsed["wait_p99_us"]) / (SERVICE_MS * 1000)]
        row.dunlin = f"{number(real['wait_p99_us'] / 1e3)} ms"
        row.peer = f"{number(rehearsed['wait_p99_us'] / 1e3)} ms rehearsed"
        row.note = f"of {SERVICE_MS} ms; p50 {number(real['wait_p50_us'] / 1e3)} ms"

    def _take(self, row: Row) -> bool:
        if self._trace is None:
            row.skipped = "give --trace FILE, of one function by the minute (docs/simulate.md says where there is one)"
            return False
        if self._taken is None:
            with tempfile.TemporaryDirectory() as folder:
                self._taken = self._run(self._cut(Path(folder)))
        return True

    def _cut(self, folder: Path) -> Path:
        if not self._quick:
            return self._trace
        try:
            lines = self._trace.read_text(encoding="utf-8").splitlines(keepends=True)
        except OSError as problem:
            raise MeasurementError(f"{self._trace}: {problem.strerror}") from None
        cut = folder / self._trace.name
        cut.write_text("".join(lines[: QUICK_PERIODS + 1]), encoding="utf-8")
        return cut

    def _run(self, trace: Path) -> dict:
        load = ["--compress", str(FASTER), "--one-in", str(FASTER), "--service-time", f"{SERVICE_MS}ms", "--cv", "1"]
        with DunlinNode(self._build_dir) as node:
            argv = [node.program, "bench", FUNCTION, "--node", node.endpoint, "--trace", trace, *load, "--json"]
            figures = run_for_json(argv, timeout_s=MINUTES_MAX * 60)
            after = next(each for each in node.invoke("dunlin/stats")["functions"] if each["name"] == FUNCTION)
            start_us = max(1, round(after["start_time_us"]))
            argv = [node.program, "simulate", trace, *load, "--start-cost", f"{start_us}us", "--json"]
            rehearsed = run_for_json(argv)["policies"][0]
        if figures["not_sent"] or figures["refused"]:
            raise MeasurementError(f"{figures['not_sent'] + figures['refused']} calls did not run")
        return {
            "node": {
                "calls": figures["ok"],
                "actor_seconds": after["activation_us"] / 1e6,
                "busy_seconds": after["busy_us"] / 1e6,
                "starts": after["activations_started"],
                "wait_p50_us": figures["wait_p50_us"],
                "wait_p99_us": figures["wait_p99_us"],
                "lag_ms": figures["schedule_lag_us_p99"] / 1e3,
            },
            "rehearsed": rehearsed,
        }
