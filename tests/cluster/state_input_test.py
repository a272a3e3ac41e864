# SPDX-License-Identifier: Apache-2.0
"""What a node makes of state that it cannot use: of another type, damaged, of another node or cluster, of
a newer version; and of keys that are none. See programs.py for what the environment has to name."""

import json
import os
import pathlib
import tempfile
import unittest

from programs import Node, Process, ProgramTest, dunlin

SPACE = "bench.counters"
KEY_BYTES_MAX = 255


def module(name):
    """One that only tests load."""
    return str(pathlib.Path(os.environ["BENCH_MODULE"]).with_name(f"{name}.so"))


class StateInputTest(ProgramTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.data = pathlib.Path(folder.name) / "data"

    def node(self, *arguments):
        return Node("--data", str(self.data), *arguments)

    def call(self, node, function, key, code=0):
        ran = dunlin("invoke", function, "null", "--key", key, "--node", node.endpoint)
        self.assert_exit(ran, code)
        return ran

    def stop(self, node):
        node.process.terminate()
        self.assertEqual(node.wait(), 0)

    def refusal(self, *arguments):
        """The one line with which a node does not start."""
        with Process("node", "--listen", "tcp://127.0.0.1:0", "--module",
                     os.environ["BENCH_MODULE"], "--data", str(self.data), *arguments) as node:
            self.assertEqual(node.rest(), "")
            self.assertNotEqual(node.wait(), 0)
            said = node.log()
        self.assertEqual(said.count("\n"), 1, said)
        self.assertIn(str(self.data), said)
        return said

    def test_state_of_another_type_is_told_by_key_and_field_and_stays(self):
        with self.node("--module", module("visits")) as node:
            ran = dunlin("state", "set", "counters", "ann", '{"value": 5000000000}', "--node",
                         node.endpoint)
            self.assert_exit(ran, 0)
            self.stop(node)
        # The same space in a module whose value is an int32.
        with self.node("--module", module("visits_twice")) as node:
            told = self.call(node, "visits_twice/decrement", "ann", code=1).stderr
            for part in ('the state under key "ann" of space counters does not fit',
                         "visits_twice/decrement", "counter.value", "from -2147483648 to 2147483647",
                         "5000000000"):
                self.assertIn(part, told)
            self.assertEqual(self.call(node, "visits_twice/decrement", "bob").stdout, "-1\n")
            self.stop(node)
        with self.node("--module", module("visits")) as node:
            self.assertEqual(self.call(node, "visits/increment", "ann").stdout, "5000000001\n")

    def test_a_folder_of_another_cluster_or_node_is_refused_and_untouched(self):
        with self.node("--cluster", "shop", "--name", "a") as node:
            self.call(node, "bench/increment", "ann")
            self.stop(node)
        said = self.refusal("--cluster", "other", "--name", "a")
        self.assertIn("has the state of node a of cluster shop", said)
        self.assertIn("cluster other", said)
        said = self.refusal("--cluster", "shop", "--name", "b")
        self.assertIn("has the state of node a of cluster shop, and this is node b", said)
        with self.node("--cluster", "shop", "--name", "a") as node:
            self.assertEqual(self.call(node, "bench/increment", "ann").stdout, "2\n")
            self.stop(node)
        # One without a name of its own is not known again, and may be any.
        with self.node("--cluster", "shop") as node:
            self.assertEqual(self.call(node, "bench/increment", "ann").stdout, "3\n")

    def test_a_folder_of_a_newer_version_is_refused(self):
        with self.node() as node:
            self.call(node, "bench/increment", "ann")
            self.stop(node)
        marker = self.data / "dunlin-data"
        marker.write_text(marker.read_text().replace("format 1\n", "format 2\n"))
        self.assertIn("newer version of Dunlin", self.refusal())

    def test_a_damaged_value_fails_alone(self):
        keys = [f"k{number}" for number in range(600)]
        lines = "".join(json.dumps({"key": key, "value": {"value": 7}}) + "\n" for key in keys)
        with self.node() as node:
            ran = dunlin("state", "import", SPACE, "--node", node.endpoint, stdin=lines)
            self.assert_exit(ran, 0)
            self.stop(node)
        tables = sorted((each for each in (self.data / "rocks").glob("*.sst")),
                        key=lambda each: each.stat().st_size)
        data = bytearray(tables[-1].read_bytes())
        data[len(data) // 4] ^= 0xFF
        tables[-1].write_bytes(data)
        with self.node() as node:
            good, bad = [], []
            for key in keys[::20]:
                ran = dunlin("invoke", "bench/increment", "null", "--key", key, "--node",
                             node.endpoint)
                if ran.returncode == 0:
                    self.assertEqual(ran.stdout, "8\n")
                    good.append(key)
                else:
                    self.assertIn("cannot be read", ran.stderr)
                    self.assertIn("it is damaged; restore it from a backup", ran.stderr)
                    bad.append(key)
            self.assertTrue(good)
            self.assertTrue(bad)

    def test_a_key_that_is_too_long_is_refused(self):
        with self.node() as node:
            longest = "k" * KEY_BYTES_MAX
            self.assertEqual(self.call(node, "bench/increment", longest).stdout, "1\n")
            told = self.call(node, "bench/increment", longest + "k", code=2).stderr
            self.assertIn("the most is 255", told)


if __name__ == "__main__":
    unittest.main()
