#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures Dunlin beside its peers, and what a node costs, against the project's targets.

Exit status: 0 when every target measured is met, 1 when some are short, 2 when something could not
be measured at all. README.md beside this file says what the figures mean.
"""

from __future__ import annotations

import argparse
import datetime
import json
import re
import signal
import sys
from pathlib import Path
from typing import Callable

import comparison
from comparison import Comparison
from elastic import Elastic
from footprint import Footprint
from processes import MeasurementError
from report import Progress, Row, machine, table

STATUS_MET = 0
STATUS_SHORT = 1
STATUS_NOT_RUN = 2

DEFAULT_ROUNDS = 5
QUICK_ROUNDS = 3


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suite", nargs="?", choices=("all", "elastic"), default="all",
                        help="elastic: how actors follow the load, which takes minutes, in place of all the rest")
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


def take_all(
    arguments: argparse.Namespace, compared: Comparison, footprint: Footprint, elastic: Elastic
) -> list[Row]:
    if arguments.suite == "elastic":
        return list(elastic.rows(arguments.only))
    rows: list[Row] = []
    rows += compared.rows(arguments.only)
    rows += footprint.rows(arguments.only)
    return rows


def status_of(rows: list[Row]) -> int:
    verdicts = {row.verdict for row in rows}
    if "failed" in verdicts or not verdicts - {"skipped"}:
        return STATUS_NOT_RUN
    return STATUS_SHORT if "short" in verdicts else STATUS_MET


def heading(host: dict, rounds: int) -> str:
    busy = host["cores_busy_before"]
    text = f"{host['cpu']}, {host['cores']} cores, {rounds} rounds"
    if busy > host["cores"] / 8:
        text += f"\nother programs kept {busy:.1f} cores busy before the first run: take no verdict from this"
    return text


def summary(rows: list[Row]) -> str:
    count = {verdict: sum(row.verdict == verdict for row in rows) for verdict in ("ok", "short", "failed", "skipped")}
    return ", ".join(f"{rows_counted} {verdict}" for verdict, rows_counted in count.items() if rows_counted)


def stop_on_sigterm(*_: object) -> None:
    # As an exception, so that every server still running is stopped on the way out.
    sys.exit(128 + signal.SIGTERM)


def measure(arguments: argparse.Namespace) -> int:
    progress = Progress()
    compared = Comparison(arguments.build_dir, arguments.rounds, arguments.quick, progress)
    footprint = Footprint(arguments.build_dir, arguments.rounds, arguments.quick, progress)
    elastic = Elastic(arguments.build_dir, arguments.rounds, arguments.quick, progress, arguments.trace)
    if arguments.list:
        names = elastic.row_names() if arguments.suite == "elastic" else (
            comparison.row_names() + footprint.row_names())
        print("\n".join(names))
        return STATUS_MET

    require_program(arguments.build_dir)
    host = machine()
    rows = take_all(arguments, compared, footprint, elastic)
    progress.clear()
    if not rows:
        raise MeasurementError("--only selects nothing; --list names the measurements")

    print(heading(host, arguments.rounds))
    print()
    print(table(rows))
    print()
    print(summary(rows))
    if arguments.json is not None:
        report = {
            "taken_at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "machine": host,
            "versions": comparison.versions(arguments.build_dir),
            "rounds": arguments.rounds,
            "quick": arguments.quick,
            "rows": [row.to_json() for row in rows],
            "runs": compared.runs,
        }
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")
    return status_of(rows)


def status_of_program(program: Callable[[], int]) -> int:
    """Runs it to its exit status, whatever ends it."""
    signal.signal(signal.SIGTERM, stop_on_sigterm)
    try:
        return program()
    except MeasurementError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return STATUS_NOT_RUN
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(status_of_program(lambda: measure(parse_arguments())))
