# SPDX-License-Identifier: Apache-2.0
"""What a node costs when nothing happens, how soon it answers, and how well calls are kept apart.

These have no peer to be divided by: each figure is held against a limit. Isolation and spin are
ratios all the same: Dunlin with another function under load, by Dunlin without, in the same round.
"""

from __future__ import annotations

import re
import statistics
import tempfile
from pathlib import Path
from typing import Callable, Iterator

from processes import DunlinNode, MeasurementError, Server
from report import Progress, Row, Target, at_most, duration, measured, number

ACTIVATIONS = 100_000
RELAY_CALLS = 100_000
SLEEP_PAYLOAD = '{"us":50000}'
SPIN_PAYLOAD = '{"us":5000}'
SPIN_CALLS = 50
PROBE_WINDOW = 8
PROBE_SECONDS = 1.0
QUICK_PROBE_SECONDS = 0.3
# More than any probe outlasts: the load is stopped when the probe is done, not when it is through.
ENDLESS_REQUESTS = 1_000_000


# Work that holds a thread for milliseconds belongs on the scheduler, not on the thread that reads the sockets.
SCHEDULED = Target(1, at_least=True, label="scheduler")


class Footprint:
    def __init__(self, build_dir: Path, rounds: int, quick: bool, progress: Progress):
        self._build_dir = build_dir
        self._rounds = rounds
        self._seconds = QUICK_PROBE_SECONDS if quick else PROBE_SECONDS
        self._progress = progress
        self._measurements: list[tuple[Row, Callable[[Row], None]]] = [
            (Row("idle-memory", "resident", unit="MB", target=at_most(20, "MB")), self._idle_memory),
            (Row("activation-memory", "resident, each", unit="KB", target=at_most(2, "KB")), self._activation_memory),
            (Row("first-reply", "since start", unit="ms", target=at_most(50, "ms")), self._first_reply),
            (Row("in-process-call", "a call", unit="us", target=at_most(2, "us")), self._in_process_call),
            (Row("isolation", "p99, sleepers beside", unit="ratio", target=at_most(2)), self._isolation),
            (Row("spin", "p99, spinners beside", unit="ratio"), self._spin),
            (Row("spin-placement", "after 50 calls", unit="as wanted", target=SCHEDULED), self._spin_placement),
        ]

    def row_names(self) -> list[str]:
        return [row.name for row, _ in self._measurements]

    def rows(self, only: re.Pattern) -> Iterator[Row]:
        for row, take in self._measurements:
            if only.search(row.name):
                self._progress.show(f"{row.name}: {self._rounds} rounds")
                yield measured(row, take)

    def _node(self, *options: str) -> DunlinNode:
        return DunlinNode(self._build_dir, *options)

    # -- memory ----------------------------------------------------------------------------------

    def _idle_memory(self, row: Row) -> None:
        for _ in range(self._rounds):
            with self._node() as node:
                row.values.append(node.resident_kib() * 1024 / 1e6)
        row.dunlin = f"{number(row.median)} MB"

    def _activation_memory(self, row: Row) -> None:
        few_bytes, few = self._memory_and_activations(1)
        many_bytes, many = self._memory_and_activations(ACTIVATIONS)
        if many <= few:
            raise MeasurementError(f"a minimum of {ACTIVATIONS} left the node with {many} activations")
        row.values = [(many_bytes - few_bytes) / (many - few) / 1e3]
        row.dunlin = f"{number(row.median)} KB"
        row.note = f"{many - few:,} activations more, {(many_bytes - few_bytes) / 1e6:,.0f} MB more"

    def _memory_and_activations(self, least: int) -> tuple[int, int]:
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as config:
            config.write(f'[functions."bench/nap"]\nmin = {least}\n')
            config.flush()
            return self._resident_with(config.name)

    def _resident_with(self, config: str) -> tuple[int, int]:
        with self._node("--config", config) as node:
            resident_bytes = node.resident_kib() * 1024  # before the question about it costs memory too
            return resident_bytes, int(node.invoke("dunlin/stats")["activations"])

    # -- time ------------------------------------------------------------------------------------

    def _first_reply(self, row: Row) -> None:
        """From the node's exec to its ready line, and on to the reply of the first call ever made to it."""
        for _ in range(self._rounds):
            with self._node() as node:
                first_call_ms = node.bench("bench/echo", 1, 1, 64, "--warmup", "0")["p50_us"] / 1e3
                row.values.append(node.ready_after_s * 1e3 + first_call_ms)
        row.dunlin = f"{number(row.median)} ms"
        row.note = "start to ready line plus the first call's latency; the start of the client's process is not in it"

    def _in_process_call(self, row: Row) -> None:
        question = {"function": "bench/echo", "calls": RELAY_CALLS, "payload": 64}
        with self._node() as node:
            node.invoke("bench/relay", question | {"calls": RELAY_CALLS // 10})
            row.values = [node.invoke("bench/relay", question)["ns_per_call"] / 1e3 for _ in range(self._rounds)]
        row.dunlin = f"{number(row.median)} us"

    # -- isolation -------------------------------------------------------------------------------

    def _isolation(self, row: Row) -> None:
        with self._node() as node:
            self._compare_with_load(row, node, "bench/sleep", SLEEP_PAYLOAD, load_window=8)

    def _spin(self, row: Row) -> None:
        with self._node() as node:
            self._compare_with_load(row, node, "bench/spin", SPIN_PAYLOAD, load_window=2)

    def _compare_with_load(self, row: Row, node: DunlinNode, function: str, payload: str, load_window: int) -> None:
        requests = self._probe_requests(node)
        beside, alone = [], []
        for round_index in range(self._rounds):
            takes = [
                lambda: alone.append(self._probe_p99_us(node, requests)),
                lambda: beside.append(self._loaded_p99_us(node, requests, function, payload, load_window)),
            ]
            for take in takes if round_index % 2 else reversed(takes):
                take()
        row.values = [loaded / unloaded for loaded, unloaded in zip(beside, alone)]
        row.dunlin = duration(statistics.median(beside))
        row.peer = duration(statistics.median(alone)) + " alone"

    def _probe_requests(self, node: DunlinNode) -> int:
        pace_per_second = node.bench("bench/echo", 5000, PROBE_WINDOW)["per_second"]
        return max(2000, int(pace_per_second * self._seconds))

    def _probe_p99_us(self, node: DunlinNode, requests: int) -> float:
        # The run before lets what the previous load left in the node drain away, or this one's begin.
        node.bench("bench/echo", max(500, requests // 5), PROBE_WINDOW)
        return node.bench("bench/echo", requests, PROBE_WINDOW)["p99_us"]

    def _loaded_p99_us(self, node: DunlinNode, requests: int, function: str, payload: str, window: int) -> float:
        with Server(node.bench_argv(function, ENDLESS_REQUESTS, window, "--payload", payload)) as load:
            p99_us = self._probe_p99_us(node, requests)
            if not load.running():
                raise MeasurementError(f"the load of {function} ended before the probe beside it")
            return p99_us

    def _spin_placement(self, row: Row) -> None:
        with self._node() as node:
            node.bench_with(SPIN_PAYLOAD, "bench/spin", SPIN_CALLS, 2, "--warmup", "0")
            placement = placement_of(node, "bench/spin")
        row.values = [1.0 if placement == "scheduler" else 0.0]
        row.dunlin = placement


def placement_of(node: DunlinNode, function: str) -> str:
    for entry in node.invoke("dunlin/stats").get("functions", []):
        if entry.get("name") == function:
            return entry.get("placement", "unknown")
    raise MeasurementError(f"dunlin/stats does not name {function}")
