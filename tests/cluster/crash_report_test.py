# SPDX-License-Identifier: Apache-2.0
"""What a node leaves behind when a function crashes it or never returns. See programs.py for what
the environment has to name."""

import signal
import unittest

from programs import FaultsNode, ProgramTest, dunlin, wait_until


class CrashTest(ProgramTest):
    def crash(self, function, how):
        """@returns what the node said about it, line by line."""
        with FaultsNode() as node:
            ran = dunlin("invoke", function, f'"{how}"', "--node", node.endpoint)
            self.assertEqual(ran.returncode, 1, ran.stderr)
            ended_by = signal.SIGABRT if how == "abort" else signal.SIGSEGV
            self.assertEqual(node.wait(), -ended_by)
            return node.log().splitlines()

    def assert_names(self, log, beginning, function):
        line = next((each for each in log if each.startswith("dunlin: crash, ")), None)
        self.assertIsNotNone(line, log)
        self.assertTrue(line.startswith(beginning), line)
        self.assertTrue(line.endswith("; the stack:"), line)
        self.assertIn(f", in function {function} of module faults ", line)
        stack = log[log.index(line) + 1:]
        self.assertTrue(any("faults.so" in each for each in stack), log)

    def test_a_crash_on_a_lane_names_the_function(self):
        log = self.crash("faults/crash_by", "memory")
        self.assert_names(log, "dunlin: crash, SIGSEGV at address 0x0, ", "faults/crash_by")

    def test_a_crash_on_a_thread_of_its_own_names_the_function(self):
        log = self.crash("faults/crash_by_blocking", "memory")
        self.assert_names(log, "dunlin: crash, SIGSEGV at address 0x0, ", "faults/crash_by_blocking")

    def test_an_overflow_of_the_stack_names_the_function(self):
        for function in ("faults/crash_by", "faults/crash_by_blocking"):
            with self.subTest(function):
                log = self.crash(function, "stack")
                self.assert_names(log, "dunlin: crash, SIGSEGV at address 0x", function)

    def test_an_abort_names_the_function(self):
        log = self.crash("faults/crash_by", "abort")
        self.assert_names(log, "dunlin: crash, SIGABRT, ", "faults/crash_by")

    def test_a_crash_outside_of_functions_says_so(self):
        with FaultsNode() as node:
            node.signal(signal.SIGSEGV)
            self.assertEqual(node.wait(), -signal.SIGSEGV)
            self.assertIn("dunlin: crash, SIGSEGV, in no function; the stack:\n", node.log())


class StuckTest(ProgramTest):
    def test_a_function_that_never_returns_is_named_shown_and_left(self):
        with FaultsNode("--drain-timeout", "0s") as node:
            ran = dunlin("invoke", "faults/stay", '"stuck"', "--timeout", "100ms",
                         "--node", node.endpoint)
            self.assertEqual(ran.returncode, 1)
            wait_until(lambda: node.functions()["faults/stay"]["stuck"] == 1, "it is stuck")
            self.assertRegex(node.log(), "a function has not returned though its call's time is "
                                         "over.* function=faults/stay held_ms=[0-9]+ stuck=1\n")
            listed = dunlin("functions", "--node", node.endpoint)
            self.assertRegex(listed.stdout, "faults/stay +1 stuck ")
            shown = dunlin("top", "--once", "--node", node.endpoint)
            self.assertRegex(shown.stdout, "STUCK")
            node.signal(signal.SIGTERM)
            self.assertEqual(node.wait(), 0)
            self.assertRegex(node.log(), "it is left to run.* function=faults/stay calls=1")


if __name__ == "__main__":
    unittest.main()
