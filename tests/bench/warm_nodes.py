# SPDX-License-Identifier: Apache-2.0
"""On which of three nodes a function runs, as it is called little or much."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

from floods import NAP, Subject, open_loop, without_loss
from processes import MeasurementError, joined_nodes, run_for_json
from report import Row, at_least, at_most, number

NODES = 3
NAPS_MAX = 8  # at once on a node: with fewer, chance alone uses all of them at times
CAPACITY_PER_S = NAPS_MAX * 250  # calls of 4 ms, of one node


class WarmNodes:
    def __init__(self, build_dir: Path, rounds: int, quick: bool):
        self._build_dir = build_dir
        self._rounds = rounds
        self._seconds = 10 if quick else 30
        self.measurements: list[tuple[Row, Callable[[Row], None]]] = [
            (Row("three-nodes/20%", "calls on one node", unit="ratio", target=at_least(0.99)), self._quiet),
            (Row("three-nodes/20%/p99", "of spread over all", unit="ratio", target=at_most(1.2)), self._quiet_p99),
            (Row("three-nodes/80%", "from a fair share", unit="ratio", target=at_most(0.1)), self._busy),
            (Row("three-nodes/burst", "100 of 1 s", unit="s", target=at_most(1.3, "s")), self._burst),
            (Row("three-nodes/burst/shares", "from a fair share", unit="ratio", target=at_most(0.2)), self._shares),
        ]
        self._burst_shares: list[float] = []

    def _load(self, part: float) -> tuple[dict, list[int]]:
        """Calls at that part of one node's capacity, and how many of them each node ran."""
        subject = Subject("nap", NAP)
        with joined_nodes(self._build_dir, NODES) as nodes:
            nodes[0].scale(subject.function, "--max", str(NAPS_MAX))
            per_second = int(CAPACITY_PER_S * part)
            # The width of the set follows the load: what is measured is the load when it has.
            run_for_json(open_loop(nodes[0], subject, per_second, 5, "5s"))
            before = [node.invocations(subject.function) for node in nodes]
            figures = without_loss(run_for_json(open_loop(nodes[0], subject, per_second, self._seconds, "5s")))
            ran = [node.invocations(subject.function) - was for node, was in zip(nodes, before)]
        return figures, ran

    def _quiet(self, row: Row) -> None:
        figures, ran = self._load(0.2)
        row.values = [max(ran) / sum(ran)]
        row.dunlin = f"{max(ran):,} of {sum(ran):,}"
        row.note = f"p50 {number(figures['p50_us'] / 1e3)} ms, p99 {number(figures['p99_us'] / 1e3)} ms"

    def _quiet_p99(self, row: Row) -> None:
        warm, _ = self._load(0.2)
        # What spread over all would be: each node with its share of the load.
        subject = Subject("nap", NAP)
        with joined_nodes(self._build_dir, 1) as nodes:
            nodes[0].scale(subject.function, "--max", str(NAPS_MAX))
            spread = without_loss(run_for_json(
                open_loop(nodes[0], subject, int(CAPACITY_PER_S * 0.2 / NODES), self._seconds, "5s")))  # fmt: skip
        row.values = [warm["p99_us"] / spread["p99_us"]]
        row.dunlin = f"{number(warm['p99_us'] / 1e3)} ms"
        row.peer = f"{number(spread['p99_us'] / 1e3)} ms"

    def _busy(self, row: Row) -> None:
        figures, ran = self._load(0.8 * NODES)
        row.values = [max(abs(one * NODES / sum(ran) - 1) for one in ran)]
        row.dunlin = " ".join(f"{one / sum(ran):.1%}" for one in ran)
        row.note = f"p50 {number(figures['p50_us'] / 1e3)} ms, p99 {number(figures['p99_us'] / 1e3)} ms"

    def _burst(self, row: Row) -> None:
        for _ in range(self._rounds):
            with joined_nodes(self._build_dir, NODES) as nodes:
                figures = nodes[0].bench_with('{"us":1000000}', "bench/nap", 100, 100, "--warmup", "0")
                ran = [node.invocations("bench/nap") for node in nodes]
            row.values.append(figures["seconds"])
            self._burst_shares.append(max(abs(one * NODES / sum(ran) - 1) for one in ran))
        row.dunlin = f"{number(row.median)} s"

    def _shares(self, row: Row) -> None:
        if not self._burst_shares:
            raise MeasurementError("three-nodes/burst was not measured")
        row.values = self._burst_shares
