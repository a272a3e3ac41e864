#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures this build of Dunlin beside an earlier one: echo rows, and instructions for each call.

Both builds take turns within the same few seconds, round after round; the ratio is taken within
the round, and its median is the verdict. Exit status: 0 when no median is below the limit, 1 when
one is, 2 when something could not be measured.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import statistics
import sys
from pathlib import Path
from typing import Iterator

import instructions
from comparison import P50, PER_SECOND, QUICK_RUN_SECONDS, RUN_SECONDS, DunlinContestant, Workload, requests_for
from processes import DunlinCluster, DunlinNode, MeasurementError
from report import Progress, Row, Target, machine, measured
from rounds import turned
from run import heading, pattern, positive, print_as_known, require_program, status_of, status_of_program

RATIO_MIN = 0.95
NOW, BEFORE = "now", "before"

WORKLOADS = (
    Workload(64, 1, P50, {}),
    Workload(64, 64, PER_SECOND, {}),
    Workload(64, 512, PER_SECOND, {}),
    Workload(1024, 64, PER_SECOND, {}),
    Workload(65536, 16, PER_SECOND, {}),
    Workload(64, 1, P50, {}, hops=2),
    Workload(64, 64, PER_SECOND, {}, hops=2),
    Workload(65536, 16, PER_SECOND, {}, hops=2),
)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build-dir", type=Path, required=True, help="the build to measure")
    parser.add_argument("--before", type=Path, required=True, help="the build to measure it against")
    parser.add_argument("--rounds", type=positive, default=9, help="rounds of each measurement (default 9)")
    parser.add_argument("--quick", action="store_true", help="shorter rounds: a glance, not a verdict")
    parser.add_argument("--only", type=pattern, default=pattern(""), metavar="REGEX", help="measurements to take")
    return parser.parse_args()


class Alternation:
    """Runs the workloads on nodes of both builds, which are all started before the first round."""

    def __init__(self, builds: dict[str, Path], rounds: int, seconds: float, progress: Progress):
        self._builds = builds
        self._rounds = rounds
        self._seconds = seconds
        self._progress = progress

    def rows(self, only: re.Pattern) -> Iterator[Row]:
        for hops in (1, 2):
            chosen = [each for each in WORKLOADS if each.hops == hops and only.search(each.title)]
            if not chosen:
                continue
            with contextlib.ExitStack() as running:
                contestants = {}
                for name, build_dir in self._builds.items():
                    node = running.enter_context(DunlinNode(build_dir) if hops == 1 else DunlinCluster(build_dir))
                    contestants[name] = DunlinContestant(node if hops == 1 else node.entry)
                for each in chosen:
                    yield measured(blank_row(each), lambda row, each=each: self._fill(row, each, contestants))

    def _fill(self, row: Row, workload: Workload, contestants: dict) -> None:
        figures: dict[str, list[float]] = {name: [] for name in contestants}
        requests = {name: requests_for(each, workload, self._seconds) for name, each in contestants.items()}
        for index in range(self._rounds):
            for name in turned(list(contestants), index):
                self._progress.show(f"{workload.title}: round {index + 1} of {self._rounds}: {name}")
                figures[name].append(contestants[name].run(workload, requests[name])[workload.measure.field])
        # Above 1 is better in every row, so latencies are divided the other way round.
        better, worse = (BEFORE, NOW) if workload.measure is P50 else (NOW, BEFORE)
        row.values = [a / b for a, b in zip(figures[better], figures[worse])]
        row.dunlin = workload.measure.show(statistics.median(figures[NOW]))
        row.peer = workload.measure.show(statistics.median(figures[BEFORE]))


def blank_row(workload: Workload) -> Row:
    return Row(workload.title, workload.measure.title, unit="ratio", target=Target(RATIO_MIN, at_least=True))


def measure(arguments: argparse.Namespace) -> int:
    builds = {NOW: arguments.build_dir.resolve(), BEFORE: arguments.before.resolve()}
    for build_dir in builds.values():
        require_program(build_dir)
    progress = Progress()
    seconds = QUICK_RUN_SECONDS if arguments.quick else RUN_SECONDS
    print(heading(machine(), arguments.rounds))
    print(flush=True)
    names = [each.title for each in WORKLOADS if arguments.only.search(each.title)]
    rows = all_rows(builds, arguments, seconds, progress)
    return status_of(print_as_known(rows, names, progress, ours="now", theirs="before"))


def all_rows(builds: dict[str, Path], arguments: argparse.Namespace, seconds: float, progress: Progress) -> Iterator[Row]:
    yield from Alternation(builds, arguments.rounds, seconds, progress).rows(arguments.only)
    yield from instructions.rows(builds[NOW], builds[BEFORE], arguments.only, progress)


if __name__ == "__main__":
    sys.exit(status_of_program(lambda: measure(parse_arguments())))
