#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures Dunlin beside its peers, and what a node costs, against the project's targets.

Exit status: 0 when every target measured is met, 1 when some are short, 2 when something could not
be measured at all. README.md beside this file says what the figures mean.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import re
import signal
import sys
import tempfile
from pathlib import Path
from typing import Callable, Iterator

import comparison
from comparison import Comparison
from elastic import Elastic
from footprint import Footprint
from hot_state import HotState
from processes import MeasurementError
from report import GrowingTable, Progress, Row, machine, table

STATUS_MET = 0
STATUS_SHORT = 1
STATUS_NOT_RUN = 2

DEFAULT_ROUNDS = 5
QUICK_ROUNDS = 3


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suite", nargs="?", choices=("all", "elastic", "state"), default="all",
                        help="in place of all the rest: elastic: how actors follow the load, which takes minutes; "
                             "state: hot state beside Redis and PostgreSQL")
    parser.add_argument("--build-dir", type=Path, required=True, help="the build to measure")
    parser.add_argument("--rounds", type=positive, help=f"rounds of each measurement (default {DEFAULT_ROUNDS})")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: a glance, not a verdict")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything measured to FILE")
    parser.add_argument("--only", type=pattern, default=pattern(""), metavar="REGEX", help="measurements to take")
    parser.add_argument("--trace", type=Path, metavar="FILE", help="elastic: the recorded load that a node is to follow")
    parser.add_argument("--list", action="store_true", help="name the measurements and exit")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (QUICK_ROUNDS if arguments.quick else DEFAULT_ROUNDS)
    arguments.build_dir = arguments.build_dir.resolve()
    return arguments


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def pattern(text: str) -> re.Pattern:
    try:
        return re.compile(text)
    except re.error as problem:
        raise argparse.ArgumentTypeError(f"not a regular expression: {problem}") from None


def require_program(build_dir: Path) -> None:
    for part in (build_dir / "bin" / "dunlin", build_dir / "modules" / "bench.so"):
        if not part.exists():
            raise MeasurementError(f"{part} is missing; configure with DUNLIN_BUILD_BENCHMARKS=ON and build first")


class Everything:
    """All but the suites that have a name."""

    def __init__(self, arguments: argparse.Namespace, progress: Progress):
        self._compared = Comparison(arguments.build_dir, arguments.rounds, arguments.quick, progress)
        self._footprint = Footprint(arguments.build_dir, arguments.rounds, arguments.quick, progress)

    def row_names(self) -> list[str]:
        return comparison.row_names() + self._footprint.row_names()

    def rows(self, only: re.Pattern) -> Iterator[Row]:
        yield from self._compared.rows(only)
        yield from self._footprint.rows(only)

    @property
    def runs(self) -> list[dict]:
        return self._compared.runs


def suite_of(arguments: argparse.Namespace, progress: Progress) -> Everything | Elastic | HotState:
    common = arguments.build_dir, arguments.rounds, arguments.quick, progress
    if arguments.suite == "elastic":
        return Elastic(*common, arguments.trace)
    if arguments.suite == "state":
        return HotState(*common)
    return Everything(arguments, progress)


def status_of(rows: list[Row]) -> int:
    verdicts = {row.verdict for row in rows}
    if "failed" in verdicts or not verdicts - {"skipped"}:
        return STATUS_NOT_RUN
    return STATUS_SHORT if "short" in verdicts else STATUS_MET


def heading(host: dict, rounds: int) -> str:
    busy = host["cores_busy_before"]
    text = (f"{host['cpu']}, {host['cores']} cores, Linux {host['kernel']}, {rounds} rounds\n"
            f"a sync of the disk under {tempfile.gettempdir()} takes {host['disk_sync_us_p50']:.0f} us (fdatasync, p50)")
    if busy > host["cores"] / 8:
        text += f"\nother programs kept {busy:.1f} cores busy before the first run: take no verdict from this"
    return text


def summary(rows: list[Row]) -> str:
    count = {verdict: sum(row.verdict == verdict for row in rows) for verdict in ("ok", "short", "failed", "skipped")}
    return ", ".join(f"{rows_counted} {verdict}" for verdict, rows_counted in count.items() if rows_counted)


def print_as_known(rows: Iterator[Row], names: list[str], progress: Progress, **columns: str) -> list[Row]:
    """Each row when it is known, and all of them at the end, also when that comes early.

    What makes the rows is closed in any case, so that nothing that it started outlives it.
    """
    known: list[Row] = []
    growing = GrowingTable(names, **columns)
    with contextlib.closing(rows):
        try:
            for row in rows:
                progress.clear()
                if not known:
                    growing.begin()
                growing.add(row)
                known.append(row)
        finally:
            progress.clear()
            if known:
                print(f"\n{table(known, **columns)}\n\n{summary(known)}", flush=True)
    if not known:
        raise MeasurementError("--only selects nothing; --list names the measurements")
    return known


def measure(arguments: argparse.Namespace) -> int:
    progress = Progress()
    suite = suite_of(arguments, progress)
    if arguments.list:
        print("\n".join(suite.row_names()))
        return STATUS_MET

    require_program(arguments.build_dir)
    host = machine()
    print(heading(host, arguments.rounds))
    print(flush=True)
    names = [name for name in suite.row_names() if arguments.only.search(name)]
    rows = print_as_known(suite.rows(arguments.only), names, progress)
    if arguments.json is not None:
        report = {
            "taken_at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "machine": host,
            "versions": comparison.versions(arguments.build_dir),
            "rounds": arguments.rounds,
            "quick": arguments.quick,
            "rows": [row.to_json() for row in rows],
            "runs": suite.runs,
        }
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")
    return status_of(rows)


def stop(signal_number: int, _frame: object) -> None:
    """As an exception, so that all that was started is stopped on the way out; which is not interrupted again."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    raise Interrupted(signal_number)


class Interrupted(BaseException):
    """Not an Exception: nothing that handles those is to take it for one."""

    def __init__(self, signal_number: int):
        super().__init__(signal_number)
        self.signal_number = signal_number


def status_of_program(program: Callable[[], int]) -> int:
    """Runs it to its exit status, whatever ends it."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, stop)
    try:
        return program()
    except MeasurementError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return STATUS_NOT_RUN
    except Interrupted as interrupted:
        print("interrupted; what was started is stopped", file=sys.stderr)
        return 128 + interrupted.signal_number


if __name__ == "__main__":
    sys.exit(status_of_program(lambda: measure(parse_arguments())))
