# SPDX-License-Identifier: Apache-2.0
"""A few rounds of `./dev chaos state`: every key's history is linearizable, however busy the machine is.

Everything but times. The environment names the program, and what it is tested with: DUNLIN_BINARY,
CHAOS_MODULE, TALLY_MODULE, CHAOS_KEYED, DUNLIN_HISTORY. Where there is no PostgreSQL its cases are
skipped.
"""

import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "chaos"))

from callers import Plan  # noqa: E402
from case_state_kill import run_state_kill  # noqa: E402
from case_state_owners import run_owner_answers, run_owner_kill, run_owner_pause  # noqa: E402
from case_state_store import run_rolling  # noqa: E402
from network import NotPermitted  # noqa: E402
from processes import Programs  # noqa: E402
from report import table  # noqa: E402


class ChaosStateTest(unittest.TestCase):
    def check(self, run, **more):
        programs = Programs(os.environ["DUNLIN_BINARY"], os.environ["CHAOS_MODULE"], "",
                            os.environ["BENCH_MODULE"], os.environ["TALLY_MODULE"],
                            os.environ["CHAOS_KEYED"], os.environ["DUNLIN_HISTORY"])
        with tempfile.TemporaryDirectory(prefix="dunlin-chaos-") as directory:
            try:
                rows = run(programs, pathlib.Path(directory), Plan(quick=True, **more))
            except NotPermitted as why:
                self.skipTest(str(why))
        short = [row for row in rows if row.met is False and not row.timing]
        self.assertFalse(short, "\n" + table(rows))

    def test_state_that_was_acknowledged_survives_kills_and_is_applied_once(self):
        self.check(run_state_kill, rounds=4, keys=2000)

    def test_owners_that_are_killed_lose_nothing_and_apply_nothing_twice(self):
        self.check(run_owner_kill, rounds=1)

    def test_an_owner_that_was_paused_answers_with_nothing_old(self):
        self.check(run_owner_pause, rounds=1)

    def test_a_write_whose_answer_is_lost_is_applied_once(self):
        self.check(run_owner_answers, rounds=2)

    def test_nodes_that_share_a_store_are_replaced_without_an_error(self):
        self.check(run_rolling, rounds=1, rate=100)


if __name__ == "__main__":
    unittest.main(verbosity=2)
