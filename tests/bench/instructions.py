# SPDX-License-Identifier: Apache-2.0
"""Instructions for each echo call, of the node and of the client, counted by valgrind's callgrind.

Counts do not depend on how busy the machine is, but they do on how calls fall into frames, which a
program under valgrind sees otherwise than one at full speed: compare two builds, not two windows. The
node is counted while a client at full speed calls it, and the client while it calls a node at full
speed. Starting and ending are taken out by the difference of two runs that differ in calls only, and
all waits that are awake are off, since they would count as work.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from pathlib import Path

from processes import DunlinNode, MeasurementError, Server, run_for_output
from report import Progress, Row, measured

WINDOWS = (1, 64, 512)
CALLS_FEW, CALLS_MANY = 2_000, 52_000
TIMEOUT_S = 300
ASLEEP = ("--busy-poll", "0s", "--idle-poll", "0s")


def rows(now: Path, before: Path, only: re.Pattern, progress: Progress) -> list[Row]:
    found = []
    for who, count in (("node", of_node), ("client", of_client)):
        for window in WINDOWS:
            row = Row(f"instructions/{who}/64B/{window}", "a call", unit="ratio")
            if not only.search(row.name):
                continue
            if shutil.which("valgrind") is None:
                row.skipped = "valgrind is not installed"
            else:
                progress.show(row.name)
                measured(row, lambda row, count=count, window=window: fill(row, count, window, now, before))
            found.append(row)
    return found


def fill(row: Row, count, window: int, now: Path, before: Path) -> None:
    ours, theirs = (each_call(count, build_dir, window) for build_dir in (now, before))
    row.values = [ours / theirs]
    row.dunlin, row.peer = f"{ours:,.0f}", f"{theirs:,.0f}"


def each_call(count, build_dir: Path, window: int) -> float:
    few, many = (count(build_dir, window, calls) for calls in (CALLS_FEW, CALLS_MANY))
    return (many - few) / (CALLS_MANY - CALLS_FEW)


def of_node(build_dir: Path, window: int, calls: int) -> int:
    with tempfile.TemporaryDirectory(prefix="dunlin-callgrind-") as folder:
        out = Path(folder) / "out"
        with CountedNode(build_dir, out) as node:
            node.bench("bench/echo", calls, window, 64, "--warmup", "0")
        return total(out)


def of_client(build_dir: Path, window: int, calls: int) -> int:
    with tempfile.TemporaryDirectory(prefix="dunlin-callgrind-") as folder, contextlib.ExitStack() as running:
        out = Path(folder) / "out"
        node = running.enter_context(DunlinNode(build_dir, *ASLEEP))
        argv = node.bench_argv("bench/echo", calls, window, "--size", "64", "--warmup", "0", "--timeout", "60s")
        run_for_output([*callgrind(out), *argv], TIMEOUT_S)
        return total(out)


def callgrind(out: Path) -> list:
    return ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--quiet"]


class CountedNode(DunlinNode):
    """A node under callgrind, whose counts are written when it has ended."""

    def __init__(self, build_dir: Path, out: Path):
        self.program = build_dir / "bin" / "dunlin"
        module = build_dir / "modules" / "bench.so"
        Server.__init__(
            self,
            [*callgrind(out), self.program, "node", "--listen", "tcp://127.0.0.1:0", "--module", module, *ASLEEP],
        )
        self.endpoint = ""
        self.ready_after_s = 0.0


def total(out: Path) -> int:
    found = re.search(r"^(?:totals|summary): (\d+)", out.read_text(), re.MULTILINE)
    if found is None:
        raise MeasurementError("callgrind counted nothing")
    return int(found.group(1))
