# SPDX-License-Identifier: Apache-2.0
"""How actors follow the load: bursts on functions at zero, memory that comes back, and floods.

Each figure is of one node with the bench module and `dunlin bench` as its caller, on one machine: at a flood the
two share its cores.
"""

from __future__ import annotations

import re
import statistics
import threading
import time
from pathlib import Path
from typing import Callable, Iterator

from floods import Floods
from idle_functions import idle_function_rows
from processes import DunlinNode, MeasurementError, run_for_json
from report import Progress, Row, at_most, duration, measured, number
from trace_row import TraceRows
from warm_nodes import WarmNodes

BURST_CALLS = 1_000
BURST_MS = 50
WAITERS = 20_000
CROWD = 100_000
COLD_RATE = 8  # a second: each call comes after the function has been at zero


class Elastic:
    def __init__(self, build_dir: Path, rounds: int, quick: bool, progress: Progress, trace: Path | None):
        self._build_dir = build_dir
        self._rounds = rounds
        self._cold_s = 5 if quick else 15
        self._progress = progress
        self.runs: list[dict] = []  # none to compare
        self._measurements: list[tuple[Row, Callable[[Row], None]]] = [
            (Row("cold-call", "p99, at zero", unit="ms", target=at_most(1, "ms")), self._cold_call),
            (Row("cold-call/p50", "at zero, warm", unit="ratio", target=at_most(1.3)), self._cold_p50),
            (Row("burst-running", "all run, at zero", unit="ms", target=at_most(50, "ms")), self._burst),
            (Row("waiters", "20,000 of 1 s", unit="s", target=at_most(2, "s")), self._waiters),
            (Row("crowd-memory", "a call, 100,000", unit="KB", target=at_most(4, "KB")), self._crowd_memory),
            (Row("crowd-memory-after", "after 10 s, before", unit="ratio", target=at_most(1.1)), self._crowd_after),
            *idle_function_rows(build_dir),
            *TraceRows(build_dir, trace, quick).measurements(),
        ]
        self._measurements += WarmNodes(build_dir, rounds, quick).measurements
        self._measurements += Floods(build_dir, quick).measurements

    def row_names(self) -> list[str]:
        return [row.name for row, _ in self._measurements]

    def rows(self, only: re.Pattern) -> Iterator[Row]:
        for row, take in self._measurements:
            if only.search(row.name):
                self._progress.show(row.name)
                yield measured(row, take)

    def _node(self, *options: str) -> DunlinNode:
        return DunlinNode(self._build_dir, *options)

    # -- functions at zero -----------------------------------------------------------------------

    def _seldom(self, node: DunlinNode, cold: bool) -> dict:
        argv = [node.program, "bench", "bench/echo", "--node", node.endpoint, "--rate", str(COLD_RATE),
                "--arrivals", "even", "--duration", f"{self._cold_s}s", "--warmup", "0", "--json"]  # fmt: skip
        figures = run_for_json(argv)
        calls = COLD_RATE * self._cold_s
        expected = range(int(calls * 0.9), calls + 1) if cold else range(1)
        if figures["cold_starts"] not in expected:
            raise MeasurementError(f"{figures['cold_starts']} of {calls} calls found the function at zero")
        return figures

    def _cold_call(self, row: Row) -> None:
        with self._node() as node:
            figures = self._seldom(node, cold=True)
        row.values = [figures["p99_us"] / 1e3]
        row.dunlin = f"{number(row.median)} ms"
        row.note = f"p50 {number(figures['p50_us'] / 1e3)} ms"

    def _cold_p50(self, row: Row) -> None:
        with self._node() as at_zero, self._node() as warm:
            warm.scale("bench/echo", "--min", "1")
            colds, warms = [], []
            for _ in range(self._rounds):
                colds.append(self._seldom(at_zero, cold=True)["p50_us"])
                warms.append(self._seldom(warm, cold=False)["p50_us"])
        row.values = [cold / kept for cold, kept in zip(colds, warms)]
        row.dunlin = duration(statistics.median(colds))
        row.peer = duration(statistics.median(warms)) + " warm"

    def _burst(self, row: Row) -> None:
        """The last call's latency less its own time: when all of them ran."""
        for _ in range(self._rounds):
            with self._node() as node:
                figures = node.bench_with(f'{{"us":{BURST_MS * 1000}}}', "bench/sleep", BURST_CALLS, BURST_CALLS,
                                          "--warmup", "0")  # fmt: skip
            row.values.append(figures["max_us"] / 1e3 - BURST_MS)
        row.dunlin = f"{number(row.median)} ms"
        row.note = f"{BURST_CALLS:,} calls of {BURST_MS} ms that hold a thread each"

    def _waiters(self, row: Row) -> None:
        for _ in range(self._rounds):
            with self._node() as node:
                figures = node.bench_with('{"us":1000000}', "bench/nap", WAITERS, WAITERS, "--warmup", "0")
            row.values.append(figures["seconds"])
        row.dunlin = f"{number(row.median)} s"

    # -- memory ----------------------------------------------------------------------------------

    def _crowd(self, node: DunlinNode) -> tuple[int, int, int]:
        """Resident KiB before, at the top and ten seconds after 100,000 calls that wait for a second."""
        node.bench("bench/echo", 100_000, 512)
        before = node.resident_kib()
        most = before
        done = threading.Event()

        def watch() -> None:
            nonlocal most
            while not done.wait(0.05):
                most = max(most, node.resident_kib())

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            node.bench_with('{"us":1000000}', "bench/nap", CROWD, CROWD, "--warmup", "0", "--threads", "4")
        finally:
            done.set()
            watcher.join()
        time.sleep(10)
        return before, most, node.resident_kib()

    def _crowd_memory(self, row: Row) -> None:
        with self._node() as node:
            before, most, _ = self._crowd(node)
        row.values = [(most - before) * 1.024 / CROWD]
        row.dunlin = f"{number(row.median)} KB"

    def _crowd_after(self, row: Row) -> None:
        with self._node() as node:
            before, _, after = self._crowd(node)
        row.values = [after / before]
        row.dunlin = f"{after * 1.024 / 1e3:.1f} MB"
        row.peer = f"{before * 1.024 / 1e3:.1f} MB before"
