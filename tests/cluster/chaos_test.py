# SPDX-License-Identifier: Apache-2.0
"""A few rounds of `./dev chaos`: what must hold however busy the machine is.

Everything but times, and memory under a sanitizer: no call lost or answered twice, none executed twice, no error that the fault
does not explain. DUNLIN_BINARY names the program, CHAOS_MODULE and CHAOS_LOAD what it is tested
with.
"""

import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "chaos"))

from callers import Plan  # noqa: E402
from case_attack import run_attack  # noqa: E402
from case_deaths import run_kill, run_restart  # noqa: E402
from case_pause import run_short  # noqa: E402
from processes import Programs  # noqa: E402
from report import table  # noqa: E402


class ChaosTest(unittest.TestCase):
    def check(self, run, rounds, **more):
        programs = Programs(os.environ["DUNLIN_BINARY"], os.environ["CHAOS_MODULE"],
                            os.environ["CHAOS_LOAD"], os.environ["BENCH_MODULE"])
        with tempfile.TemporaryDirectory(prefix="dunlin-chaos-") as directory:
            rows = run(programs, pathlib.Path(directory), Plan(rounds, rate=100, grace_s=2.0, **more))
        sanitized = bool(os.environ["DUNLIN_SANITIZE"])
        short = [row for row in rows
                 if row.met is False and not row.timing and not (row.memory and sanitized)]
        self.assertFalse(short, "\n" + table(rows))

    def test_nodes_that_are_killed_under_load_take_no_idempotent_call_with_them(self):
        self.check(run_kill, rounds=2)

    def test_nodes_that_are_replaced_under_load_fail_no_call(self):
        for lanes in (1, 3):
            with self.subTest(lanes=lanes):
                self.check(run_restart, rounds=1, lanes=lanes)

    def test_a_node_that_pauses_for_300_ms_fails_no_call(self):
        self.check(run_short, rounds=1)

    def test_peers_that_mean_no_good_end_no_node_and_stay_within_its_limits(self):
        self.check(run_attack, rounds=1, quick=True, attack_seconds_max=3.0,
                   attacks=("random_bytes", "connect_call_close", "claims", "strangers"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
