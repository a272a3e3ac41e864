# SPDX-License-Identifier: Apache-2.0
"""More calls than a function can do, in an open loop: what still gets done, and what stands beside it.

A flood is one run of `dunlin bench --rate`. Each gives a row for its goodput; what has to hold in all of them (the
worst second, how long a refusal takes, memory, the time after) is told by one row for the worst of them. On one machine
callers and nodes share the cores, so a flood over three nodes is of a coroutine that waits and uses none.
"""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path
from typing import Callable

from processes import DunlinNode, MeasurementError, Server, joined_nodes, run_for_json
from report import Row, Target, at_least, at_most, number, rate

FACTORS = (1.1, 1.5, 3, 5, 10)
TIMEOUTS = ("20ms", "500ms", "5s")
SPIN = ("bench/spin", '{"us":1000}')
NAP = ("bench/nap", '{"us":4000}')
# Naps at once on a node, which make 250 calls a second each all that it can do: as many as let the machine send a flood
# of ten times that.
NAPS_OF_ONE = 8
NAPS_OF_THREE = 2
PROBE_PER_SECOND = 200


class Subject:
    """What is flooded: a function, and the nodes that serve it."""

    def __init__(self, name: str, function: tuple[str, str], nodes: int = 1, at_once: int = 0):
        self.name = name
        self.function, self.payload = function
        self.nodes = nodes
        self.at_once = at_once  # on each node; 0: what the function gains from
        self.capacity = 0.0
        self.worst_second: dict[str, float] = {}
        self.refused_ms: dict[str, float] = {}
        self.memory: dict[str, float] = {}
        self.after: dict[str, float] = {}


class Floods:
    def __init__(self, build_dir: Path, quick: bool):
        self._build_dir = build_dir
        self._seconds = 10 if quick else 60
        self.measurements: list[tuple[Row, Callable[[Row], None]]] = []
        for subject in (Subject("spin", SPIN), Subject("nap", NAP, 1, NAPS_OF_ONE), Subject("nap-3", NAP, 3, NAPS_OF_THREE)):
            self._add_floods(subject)
        self._add_beside()

    def _add_floods(self, subject: Subject) -> None:
        for factor in FACTORS:
            for timeout in TIMEOUTS:
                case = f"{factor:g}x/{timeout}"
                row = Row(f"flood/{subject.name}/{case}", "goodput, peak", unit="ratio",
                          target=at_least(0.9 if factor >= 10 else 0.95))  # fmt: skip
                self.measurements.append((row, self._flood(subject, case, factor, timeout)))
        worst: tuple[tuple[str, str, dict[str, float], Target], ...] = (
            ("worst-second", "of its goodput", subject.worst_second, at_least(0.8)),
            ("refused", "p99 of a refusal", subject.refused_ms, at_most(5, "ms")),
            ("memory", "later, earlier", subject.memory, at_most(1.1)),
            ("after", "p99 1 s after", subject.after, at_most(2)),
        )
        for name, measure, figures, target in worst:
            row = Row(f"flood/{subject.name}/{name}", measure, unit=target.unit or "ratio", target=target)
            self.measurements.append((row, worst_of(figures, min if target.at_least else max)))

    # -- a flood ---------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _running(self, subject: Subject, *options: str):
        with joined_nodes(self._build_dir, subject.nodes, *options) as nodes:
            entry = nodes[0]
            if subject.at_once:
                entry.scale(subject.function, "--max", str(subject.at_once))
            window = 16 * subject.nodes
            entry.bench_with(subject.payload, subject.function, 2_000, window)
            if subject.capacity == 0:
                subject.capacity = entry.bench_with(
                    subject.payload, subject.function, 10_000 * subject.nodes, window)["per_second"]  # fmt: skip
            yield nodes

    def _flood(self, subject: Subject, case: str, factor: float, timeout: str) -> Callable[[Row], None]:
        def take(row: Row) -> None:
            with self._running(subject) as nodes:
                before_us = probe_p99_us(nodes[0], subject)
                with watched(nodes) as resident_kib:
                    figures = run_for_json(
                        open_loop(nodes[0], subject, int(subject.capacity * factor), self._seconds, timeout),
                        statuses=(0, 1))  # fmt: skip
                time.sleep(1)
                after_us = probe_p99_us(nodes[0], subject)
            by_second = [second["ok"] for second in figures["by_second"]][1:-1]
            if not by_second:
                raise MeasurementError("the flood was too short to tell its seconds apart")
            if figures["failed"] or figures["not_sent"]:
                raise MeasurementError(f"{figures['failed']} calls failed and {figures['not_sent']} were not sent")
            mean = sum(by_second) / len(by_second)
            row.values = [mean / subject.capacity]
            row.dunlin = rate(mean)
            row.peer = rate(subject.capacity) + " alone"
            refused_ms = figures["refused_us_p99"] / 1e3
            row.note = (f"worst second {min(by_second) / subject.capacity:.0%}, refused p99 {number(refused_ms)} ms, "
                        f"{figures['refused']:,} refused and {figures['expired']:,} too late "
                        f"of {figures['offered']:,}")  # fmt: skip
            half = len(resident_kib) // 2
            subject.worst_second[case] = min(by_second) / subject.capacity
            subject.refused_ms[case] = refused_ms
            subject.memory[case] = max(resident_kib[half:]) / max(resident_kib[:half])
            subject.after[case] = after_us / before_us

        return take

    # -- beside a flood --------------------------------------------------------------------------

    def _add_beside(self) -> None:
        spin = Subject("spin", SPIN)
        nap = Subject("nap", NAP, 1, NAPS_OF_ONE)
        echo = ("bench/echo", '"aboard"')
        grind = ("bench/grind", '{"us":1000}')
        for flooded in (spin, nap):
            for name, function in (("echo", echo), ("grind", grind)):
                row = Row(f"beside/{flooded.name}/{name}", "p99, alone", unit="ratio", target=at_most(3))
                self.measurements.append((row, self._beside(flooded, Subject(name, function))))
        row = Row("beside/60000/polite", "p99, alone", unit="ratio", target=at_most(2))
        self.measurements.append((row, self._polite(Subject("nap", NAP, 1, NAPS_OF_THREE))))

    def _beside(self, flooded: Subject, other: Subject) -> Callable[[Row], None]:
        def take(row: Row) -> None:
            with self._running(flooded) as nodes:
                alone_us = probe_p99_us(nodes[0], other)
                with Server(open_loop(nodes[0], flooded, int(flooded.capacity * 3), 600, "500ms")) as flood:
                    beside_us = probe_p99_us(nodes[0], other)
                    if not flood.running():
                        raise MeasurementError("the flood ended before the calls beside it")
            row.values = [beside_us / alone_us]
            row.dunlin = f"{number(beside_us / 1e3)} ms"
            row.peer = f"{number(alone_us / 1e3)} ms alone"

        return take

    def _polite(self, subject: Subject) -> Callable[[Row], None]:
        def take(row: Row) -> None:
            with self._running(subject, "--queue-depth-max", "65536") as nodes:
                pace = int(subject.capacity * 0.4)
                alone = without_loss(run_for_json(open_loop(nodes[0], subject, pace, 10, "5s")))
                # So much time that all of them wait in the node: refusals would be another flood.
                crowd = nodes[0].bench_argv(subject.function, 1_000_000_000, 60_000,
                                            "--payload", subject.payload, "--timeout", "2h")  # fmt: skip
                with Server(crowd) as load:
                    time.sleep(1)
                    beside = without_loss(run_for_json(open_loop(nodes[0], subject, pace, 10, "5s")))
                    if not load.running():
                        raise MeasurementError("the caller with 60,000 in flight ended before the one beside it")
            row.values = [beside["p99_us"] / alone["p99_us"]]
            row.dunlin = f"{number(beside['p99_us'] / 1e3)} ms"
            row.peer = f"{number(alone['p99_us'] / 1e3)} ms alone"
            row.note = f"{pace} calls a second, 40% of what the function can do"

        return take


def open_loop(node: DunlinNode, subject: Subject, per_second: int, seconds: int, timeout: str) -> list:
    return [node.program, "bench", subject.function, "--payload", subject.payload, "--node", node.endpoint,
            "--rate", str(per_second), "--duration", f"{seconds}s", "--timeout", timeout, "--json"]  # fmt: skip


def probe_p99_us(node: DunlinNode, subject: Subject) -> float:
    """Of calls that come seldom enough not to wait for each other."""
    figures = run_for_json(open_loop(node, subject, PROBE_PER_SECOND, 5, "5s"))
    return without_loss(figures)["p99_us"]


def without_loss(figures: dict) -> dict:
    if figures["ok"] != figures["offered"]:
        raise MeasurementError(f"{figures['offered'] - figures['ok']} of {figures['offered']} calls failed")
    return figures


def worst_of(figures: dict[str, float], choose: Callable) -> Callable[[Row], None]:
    def take(row: Row) -> None:
        if not figures:
            raise MeasurementError("no flood was measured")
        case = choose(figures, key=figures.get)
        row.values = [figures[case]]
        row.note = f"in {case}"

    return take


@contextlib.contextmanager
def watched(nodes: list[DunlinNode]):
    """Resident memory of all nodes together, five times a second."""
    seen: list[int] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.2):
            seen.append(sum(node.resident_kib() for node in nodes))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()
