# SPDX-License-Identifier: Apache-2.0
"""A node with ten thousand functions does all that one with few does. See programs.py for what the
environment has to name; MANY_MODULE is the module `many`."""

import os
import pathlib
import re
import unittest

from programs import Node, ProgramTest, dunlin

FUNCTIONS = 10_000
# The list is 7 MB; as a tree in the node it would be 200.
LISTING_MIB_MAX = 64


def many_node(*arguments):
    return Node("--module", os.environ["MANY_MODULE"], *arguments)


def resident_mib(node):
    status = pathlib.Path(f"/proc/{node.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024


class ManyFunctionsTest(ProgramTest):
    def test_they_are_called_listed_counted_and_scaled(self):
        with many_node() as node:
            for number in (0, FUNCTIONS - 1):
                ran = dunlin("invoke", f"many/f{number}", '{"item":"x","count":2}', "--node", node.endpoint)
                self.assertEqual(ran.stdout, f"{number + 2}\n", ran.stderr)
            listed = [name for name in node.functions() if name.startswith("many/")]
            self.assertEqual(len(listed), FUNCTIONS)
            counted = {each["name"]: each["invocations"] for each in node.stats()["functions"]}
            self.assertEqual(counted["many/f0"], 1)
            self.assertEqual(counted["many/f1"], 0)
            ran = dunlin("scale", "many/f7", "--min", "1", "--node", node.endpoint)
            self.assert_exit(ran, 0)
            self.assertEqual(node.functions()["many/f7"]["activations"], 1)

    @unittest.skipIf(os.environ.get("DUNLIN_SANITIZE"), "sanitizers keep what was freed")
    def test_listing_them_does_not_leave_the_node_large(self):
        with many_node() as node:
            before_mib = resident_mib(node)
            self.assertGreater(len(node.functions()), FUNCTIONS)
            self.assertGreater(len(node.stats()["functions"]), FUNCTIONS)
            self.assertLess(resident_mib(node), before_mib + LISTING_MIB_MAX)

    def test_they_are_called_by_way_of_another_node(self):
        with Node("--cluster", "many") as entry, many_node("--cluster", "many", "--join", entry.endpoint):
            ran = dunlin("invoke", f"many/f{FUNCTIONS - 1}", '{"item":"x"}', "--node", entry.endpoint)
            self.assertEqual(ran.stdout, f"{FUNCTIONS}\n", ran.stderr)


if __name__ == "__main__":
    unittest.main()
