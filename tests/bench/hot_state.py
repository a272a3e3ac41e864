# SPDX-License-Identifier: Apache-2.0
"""Durable state under keys beside those who keep counters, one increment at a time.

Dunlin is `bench/increment` and `bench/peek`, called by `dunlin bench` through client and wire. Whoever it is held
against does the same work on the same disk in turns with it (rounds.py), and answers when the change is synced, too.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import re
import statistics
import time
from pathlib import Path
from typing import Callable, Iterator

from comparison import P50, PER_SECOND, QUICK_RUN_SECONDS, RUN_SECONDS, Measure
from processes import DunlinNode, MeasurementError, run_for_json
from report import Progress, Row, Target, at_least, at_most, measured, number, rate
from rounds import OURS, Contestant, alternate, fill_ratio
from state_peers import PostgresServer, RedisServer, StackServer

FEW_KEYS = 64
MANY_KEYS = 1_000_000
POSTGRES_KEYS = 100_000
MANY_KEYS_CACHE = "1GiB"  # all of them stay in memory, as Redis's do
# Uniformly drawn, so many calls meet 95 of 100 keys; more than the measured runs add.
CALLS_FOR_EACH_KEY = 3
SEEDS = itertools.count(1)
PREPARATION_SECONDS_MAX = 60
# Rows, and the benchmarks that they are of (micro/hot_read_bench.cpp).
READS = (("read/small", "turn_that_reads<small>"), ("read/64KiB", "turn_that_reads<large>"))
WITHOUT_STATE = "turn_without_state"


def prepared(run: Callable[[int], object], calls: int, step: int) -> None:
    """Calls that no round counts, as many as are wanted or as a minute allows."""
    until_s = time.monotonic() + PREPARATION_SECONDS_MAX
    for _ in range(0, calls, step):
        run(step)
        if time.monotonic() > until_s:
            return


def incremented(node: DunlinNode, requests: int, window: int, keys: int, function: str = "bench/increment") -> dict:
    # Another seed each time: otherwise each run would begin with the keys of the one before.
    return node.bench(function, requests, window, 64, "--keys", str(keys), "--seed", str(next(SEEDS)))


def fill_read(row: Row, benchmark: str, figures: list[dict[str, float]]) -> None:
    """What a turn costs more than one of a function without state; in ns, or by that of the small state."""
    costs = [each[benchmark] - each[WITHOUT_STATE] for each in figures]
    small = [each[READS[0][1]] - each[WITHOUT_STATE] for each in figures]
    row.values = costs if row.unit == "ns" else [cost / one for cost, one in zip(costs, small)]
    row.dunlin = f"{number(statistics.median(each[benchmark] for each in figures))} ns a turn"
    row.peer = f"{number(statistics.median(each[WITHOUT_STATE] for each in figures))} ns without"


@dataclasses.dataclass(frozen=True)
class Against:
    """A row: who does the same, and what the quotient should be. `missing` says why nobody does."""

    peer: str
    target: Target
    missing: str
    contestant: Callable[[int], dict] | None


class HotState:
    def __init__(self, build_dir: Path, rounds: int, quick: bool, progress: Progress):
        self._build_dir = build_dir
        self._rounds = rounds
        self._quick = quick
        self._seconds = QUICK_RUN_SECONDS if quick else RUN_SECONDS
        self._progress = progress
        self.runs: list[dict] = []  # every counted run, for the JSON report
        self._groups: list[tuple[list[str], Callable[[], Iterator[Row]]]] = [
            ([name for name, _ in READS], self._reads),
            (["64-keys/512/redis-512", "64-keys/512/redis-8x64", "1-key/512", "64-keys/1/redis", "peek/512/echo",
              "stack/64/grpc+redis", "stack/1/grpc+redis"], self._few_keys),
            (["1000000-keys/512/redis-8x64"], self._many_keys),
            (["postgres/512/pgbench"], self._postgres),
        ]  # fmt: skip
        self._only = re.compile("")

    def row_names(self) -> list[str]:
        return [name for names, _ in self._groups for name in names]

    def rows(self, only: re.Pattern) -> Iterator[Row]:
        self._only = only
        for names, take in self._groups:
            if any(only.search(name) for name in names):
                yield from take()

    def _wanted(self, *names: str) -> bool:
        return any(self._only.search(name) for name in names)

    # -- a turn by itself ------------------------------------------------------------------------

    def _reads(self) -> Iterator[Row]:
        rows = [Row("read/small", "of a turn, p50", unit="ns", target=at_most(200, "ns")),
                Row("read/64KiB", "of a turn, small", unit="ratio", target=at_most(1.5))]  # fmt: skip
        figures: list[dict[str, float]] = []
        for index in range(self._rounds):
            self._progress.show(f"read: round {index + 1} of {self._rounds}")
            try:
                figures.append(self._turns_ns())
            except MeasurementError as problem:
                for row in rows:
                    row.failure = str(problem)
                break
        if not rows[0].failure:
            for row, (_, benchmark) in zip(rows, READS):
                fill_read(row, benchmark, figures)
        yield from (row for row in rows if self._wanted(row.name))

    def _turns_ns(self) -> dict[str, float]:
        program = self._build_dir / "bin" / "dunlin_micro_bench"
        if not program.exists():
            raise MeasurementError(f"{program.name} is not built; the output of cmake names the package it lacks")
        figures = run_for_json([program, "--benchmark_filter=^turn_", "--benchmark_format=json"])
        return {each["run_name"].split("/")[0]: each["p50_ns"] for each in figures["benchmarks"]}

    # -- few keys, on one node and one Redis -----------------------------------------------------

    def _few_keys(self) -> Iterator[Row]:
        no_redis = RedisServer.missing()
        no_stack = StackServer.missing(self._build_dir)
        with contextlib.ExitStack() as running:
            node = running.enter_context(DunlinNode(self._build_dir))
            redis = None if no_redis else running.enter_context(RedisServer.started())
            stack = running.enter_context(StackServer(self._build_dir, redis)) if redis and not no_stack else None

            def by_redis(connections: int, pipeline: int) -> Callable[[int], dict] | None:
                return redis and (lambda requests: redis.increments(requests, connections, pipeline, FEW_KEYS))

            def by_stack(window: int) -> Callable[[int], dict] | None:
                return stack and (lambda requests: stack.increments(requests, window, FEW_KEYS))

            yield from self._compare(
                "64-keys/512", PER_SECOND, 512, lambda requests: incremented(node, requests, 512, FEW_KEYS),
                Against("redis-512", at_least(3), no_redis, by_redis(512, 1)),
                Against("redis-8x64", at_least(0.7), no_redis, by_redis(8, 64)))  # fmt: skip
            yield from self._one_key(node)
            yield from self._compare(
                "64-keys/1", P50, 1, lambda requests: incremented(node, requests, 1, FEW_KEYS),
                Against("redis", at_most(1.3), no_redis, by_redis(1, 1)))  # fmt: skip
            yield from self._compare(
                "peek/512", PER_SECOND, 512, lambda requests: incremented(node, requests, 512, FEW_KEYS, "bench/peek"),
                Against("echo", at_least(0.9), "", lambda requests: node.bench("bench/echo", requests, 512)))  # fmt: skip
            yield from self._compare(
                "stack/64", PER_SECOND, 64, lambda requests: incremented(node, requests, 64, FEW_KEYS),
                Against("grpc+redis", at_least(5), no_stack, by_stack(64)))  # fmt: skip
            yield from self._compare(
                "stack/1", P50, 1, lambda requests: incremented(node, requests, 1, FEW_KEYS),
                Against("grpc+redis", at_most(1), no_stack, by_stack(1)))  # fmt: skip

    def _one_key(self, node: DunlinNode) -> Iterator[Row]:
        row = Row("1-key/512", "calls/s", unit="calls/s", target=at_least(100_000))
        if not self._wanted(row.name):
            return

        def take(row: Row) -> None:
            ours = Contestant(lambda requests: incremented(node, requests, 512, 1), 5120, self._rounds)
            figures = self._alternate(row.name, {OURS: ours})
            row.values = [each["per_second"] for each in figures[OURS].values()]
            row.dunlin = rate(row.median)

        yield measured(row, take)

    # -- many keys, and another store ------------------------------------------------------------

    def _many_keys(self) -> Iterator[Row]:
        no_redis = RedisServer.missing()
        with contextlib.ExitStack() as running:
            node = running.enter_context(DunlinNode(self._build_dir, "--cache-bytes-max", MANY_KEYS_CACHE))
            redis = None if no_redis else running.enter_context(RedisServer.started())

            def by_redis(requests: int) -> dict:
                return redis.increments(requests, 8, 64, MANY_KEYS)

            def prepare() -> None:
                calls = MANY_KEYS * (1 if self._quick else CALLS_FOR_EACH_KEY)
                self._progress.show(f"1000000-keys: {calls:,} calls before the first round")
                prepared(lambda requests: incremented(node, requests, 512, MANY_KEYS), calls, MANY_KEYS // 2)
                if redis:
                    by_redis(calls)

            yield from self._compare(
                "1000000-keys/512", PER_SECOND, 512, lambda requests: incremented(node, requests, 512, MANY_KEYS),
                Against("redis-8x64", at_least(0.4), no_redis, redis and by_redis), prepare=prepare)  # fmt: skip

    def _postgres(self) -> Iterator[Row]:
        missing = PostgresServer.missing()
        with contextlib.ExitStack() as running:
            ours: Callable[[int], dict] | None = None
            theirs: Callable[[int], dict] | None = None
            if not missing:
                postgres = running.enter_context(PostgresServer())
                url = postgres.make_database("dunlin")
                postgres.make_database("bench")
                postgres.make_counters("bench", POSTGRES_KEYS)
                try:
                    node = running.enter_context(DunlinNode(self._build_dir, "--store", url))
                except MeasurementError as problem:
                    yield Row("postgres/512/pgbench", "calls/s", target=at_least(5), failure=str(problem))
                    return
                ours = lambda requests: incremented(node, requests, 512, POSTGRES_KEYS)  # noqa: E731
                theirs = lambda requests: postgres.increments(requests, "bench", POSTGRES_KEYS)  # noqa: E731

            def prepare() -> None:
                self._progress.show(f"postgres: {POSTGRES_KEYS * CALLS_FOR_EACH_KEY:,} calls before the first round")
                prepared(ours, POSTGRES_KEYS * CALLS_FOR_EACH_KEY, POSTGRES_KEYS // 5)

            yield from self._compare("postgres/512", PER_SECOND, 512, ours,
                                     Against("pgbench", at_least(5), missing, theirs), prepare=prepare)  # fmt: skip

    # -- rounds ----------------------------------------------------------------------------------

    def _compare(
        self, title: str, measure: Measure, window: int, ours: Callable[[int], dict], *against: Against,
        prepare: Callable[[], None] = lambda: None,
    ) -> Iterator[Row]:  # fmt: skip
        chosen = [each for each in against if self._wanted(f"{title}/{each.peer}")]
        rows = {
            each.peer: Row(f"{title}/{each.peer}", measure.title, unit="ratio", target=each.target, skipped=each.missing)
            for each in chosen
        }
        contestants = {each.peer: each.contestant for each in chosen if not each.missing}
        if contestants:
            self._take(title, measure, {OURS: ours, **contestants}, window, prepare, rows)
        yield from rows.values()

    def _take(
        self, title: str, measure: Measure, contestants: dict, window: int, prepare: Callable[[], None], rows: dict
    ) -> None:
        running = [row for row in rows.values() if not row.skipped]
        try:
            prepare()
            figures = self._alternate(
                title, {name: Contestant(run, window * 10, self._rounds) for name, run in contestants.items()})  # fmt: skip
        except MeasurementError as problem:
            for row in running:
                row.failure = str(problem)
            return
        for row in running:
            peer = row.name.removeprefix(f"{title}/")
            measured(row, lambda row, peer=peer: fill_ratio(row, measure.field, measure.show, figures, peer))

    def _alternate(self, title: str, contestants: dict[str, Contestant]) -> dict[str, dict[int, dict]]:
        figures, failures = alternate(title, contestants, self._rounds, self._seconds, self._progress)
        for name, by_round in figures.items():
            self.runs += [run | {"of": title, "peer": name, "round": index} for index, run in by_round.items()]
        if failures:
            raise MeasurementError("; ".join(failures.values()))
        return figures
