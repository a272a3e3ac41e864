# SPDX-License-Identifier: Apache-2.0
"""What a function that nobody calls costs a node: one with ten thousand of them beside one without.

The functions are those of the test module `many`, described by the SDK as an author's are; what the module keeps of
them itself is in the figure.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Callable

from processes import DunlinNode, MeasurementError, run_for_output
from report import Row, Target, number

FUNCTIONS = 10_000
QUIET_S = 10  # until what the calls took has been given back


def idle_function_rows(build_dir: Path) -> list[tuple[Row, Callable[[Row], None]]]:
    limit = Target(4, at_least=False, unit="KB")
    never = Row("idle-function", "resident, each", unit="KB", target=limit)
    called = Row("idle-function-called", "each, called once", unit="KB", target=limit)
    idle = IdleFunctions(build_dir)
    return [(never, lambda row: idle.measure(row, call=False)), (called, lambda row: idle.measure(row, call=True))]


class IdleFunctions:
    def __init__(self, build_dir: Path):
        self._build_dir = build_dir
        self._module = build_dir / "modules" / "many.so"

    def measure(self, row: Row, call: bool) -> None:
        if not self._module.exists():
            raise MeasurementError("the module many is not built: configure with DUNLIN_BUILD_TESTS=ON")
        without, _ = self._resident_bytes([], call)
        with_all, ready_s = self._resident_bytes(["--module", self._module], call)
        row.values = [(with_all - without) / FUNCTIONS / 1e3]
        row.dunlin = f"{number(row.median)} KB"
        row.note = f"{FUNCTIONS:,} functions, the node ready after {ready_s * 1e3:.0f} ms"

    def _resident_bytes(self, options: list, call: bool) -> tuple[int, float]:
        with DunlinNode(self._build_dir, *options) as node:
            if call:
                self._call_each(node, "many/f{}" if options else "bench/echo")
            time.sleep(QUIET_S)
            return node.resident_kib() * 1024, node.ready_after_s

    def _call_each(self, node: DunlinNode, name: str) -> None:
        """Each function once; from inside, since a client's process for each would take minutes."""
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as plans:
            for i in range(FUNCTIONS):
                plans.write(json.dumps({"function": name.format(i), "calls": 1, "payload": 0}) + "\n")
            plans.flush()
            run_for_output([node.program, "invoke", "bench/relay", "--lines", plans.name, "--node", node.endpoint])
