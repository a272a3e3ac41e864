# SPDX-License-Identifier: Apache-2.0
"""State of keyed functions as operators see it, and as it survives the node. See programs.py for what
the environment has to name."""

import json
import os
import signal
import tempfile
import threading
import unittest

from programs import WAIT_SECONDS_MAX, Cluster, Node, Process, ProgramTest, dunlin
from python_client import Client, Timeout

SPACE = "bench.counters"


class StateTest(ProgramTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.data = os.path.join(folder.name, "data")

    def node(self, *arguments):
        return Node("--data", self.data, *arguments)

    def increment(self, node, key):
        ran = dunlin("invoke", "bench/increment", "null", "--key", key, "--node", node.endpoint)
        self.assert_exit(ran, 0)
        return int(ran.stdout)

    def state(self, node, *arguments, code=0, stdin=""):
        ran = dunlin("state", *arguments, "--node", node.endpoint, stdin=stdin)
        self.assert_exit(ran, code)
        return ran

    def test_a_value_is_seen_changed_and_deleted(self):
        with self.node() as node:
            self.assertEqual([self.increment(node, "ann") for _ in range(3)], [1, 2, 3])
            self.assertEqual(json.loads(self.state(node, "get", SPACE, "ann").stdout), {"value": 3})
            self.state(node, "set", SPACE, "ann", '{"value": 41}')
            self.assertEqual(self.increment(node, "ann"), 42)
            self.state(node, "delete", SPACE, "ann")
            gone = self.state(node, "get", SPACE, "ann", code=1)
            self.assertIn(f"there is no value under key ann of space {SPACE}", gone.stderr)
            self.assertEqual(self.increment(node, "ann"), 1)

    def test_a_value_that_does_not_fit_changes_nothing(self):
        with self.node() as node:
            self.increment(node, "ann")
            told = self.state(node, "set", SPACE, "ann", '{"value": "many"}', code=1)
            self.assertIn("the value does not fit the state's type", told.stderr)
            self.assertIn("counter.value", told.stderr)
            self.assertEqual(self.increment(node, "ann"), 2)

    def test_a_value_expires(self):
        with self.node() as node:
            self.increment(node, "ann")
            self.state(node, "set", SPACE, "ann", '{"value": 9}', "--ttl", "1ms")
            self.assertEqual(self.increment(node, "ann"), 1)
            self.state(node, "expire", SPACE, "ann", "--ttl", "1ms")
            self.state(node, "get", SPACE, "ann", code=1)
            self.assertEqual(self.increment(node, "ann"), 1)
            self.state(node, "expire", SPACE, "ann", "--ttl", "1h")
            line = json.loads(self.state(node, "get", SPACE, "ann", "--json").stdout)
            self.assertGreater(line["expires_ms"], 0)
            self.state(node, "expire", SPACE, "ann")
            self.assertNotIn("expires_ms",
                             json.loads(self.state(node, "get", SPACE, "ann", "--json").stdout))
            self.state(node, "expire", SPACE, "nobody", "--ttl", "1h", code=1)

    def test_keys_are_listed_by_prefix_and_page(self):
        with self.node() as node:
            for key in ("b2", "a1", "b1", "b3", "c"):
                self.increment(node, key)
            listed = json.loads(
                self.state(node, "list", SPACE, "--prefix", "b", "--limit", "2", "--json").stdout)
            self.assertEqual([each["key"] for each in listed], ["b1", "b2"])
            rest = json.loads(self.state(node, "list", SPACE, "--prefix", "b", "--after", "b2",
                                         "--json").stdout)
            self.assertEqual([each["key"] for each in rest], ["b3"])

    def test_spaces_tell_what_is_in_memory(self):
        with self.node() as node:
            self.increment(node, "ann")
            self.increment(node, "ann")
            told = json.loads(self.state(node, "spaces", "--json").stdout)
            self.assertIn("RocksDB", told["store"])
            [space] = told["spaces"]
            self.assertEqual((space["space"], space["mode"], space["keys_in_memory"],
                              space["turns"], space["reads"]), (SPACE, "durable", 1, 2, 1))
            self.assertEqual(space["schema"]["type"], "object")
            self.assertEqual([each["spaces"] for each in told["nodes"]], [told["spaces"]])
            self.assertEqual(told["unanswered"], [])
            lines = self.state(node, "spaces").stdout.splitlines()
            self.assertIn("store: RocksDB", lines[0])
            self.assertEqual(lines[1].split()[:4], ["SPACE", "NODE", "MODE", "KEYS"])
            self.assertEqual(lines[2].split()[0], SPACE)

    def test_spaces_of_all_nodes_are_told_by_each_and_who_does_not_answer_is_named(self):
        with Cluster(3, "--ephemeral", SPACE, "--suspicion", "60s") as cluster:
            node = cluster.nodes["n2"]
            self.increment(node, "ann")
            told = json.loads(self.state(node, "spaces", "--json").stdout)
            self.assertEqual(told["node"], "n2")
            self.assertEqual([each["node"] for each in told["nodes"]], ["n1", "n2", "n3"])
            self.assertEqual(told["nodes"][1]["spaces"], told["spaces"])
            self.assertEqual(sum(each["spaces"][0]["turns"] for each in told["nodes"]), 1)
            lines = self.state(node, "spaces").stdout.splitlines()
            self.assertEqual(lines[0], "nodes n1, n2, n3, no store")
            self.assertEqual([line.split()[:3] for line in lines[2:]],
                             [[SPACE, name, "ephemeral"] for name in ("n1", "n2", "n3")])
            cluster.nodes["n3"].stop_running()
            told = self.state(node, "spaces", "--json", "--timeout", "1s")
            cluster.resume("n3")
            self.assertIn("node n3: ", told.stderr)
            told = json.loads(told.stdout)
            self.assertEqual([each["node"] for each in told["nodes"]], ["n1", "n2"])
            self.assertEqual(told["unanswered"], ["n3"])

    def test_what_is_exported_can_be_imported(self):
        saved = os.path.join(self.folder, "saved.jsonl")
        with self.node() as node:
            for key in ("ann", "bob", "caf\u00e9"):
                self.increment(node, key)
            text = self.state(node, "export", SPACE).stdout
            with open(saved, "w", encoding="utf-8") as file:
                file.write(text)
        self.data = os.path.join(self.folder, "other")
        with self.node() as node:
            told = self.state(node, "import", SPACE, saved)
            self.assertEqual(told.stdout, f"3 values set in space {SPACE}\n")
            self.assertEqual(self.increment(node, "caf\u00e9"), 2)
            # Cut short in the middle of its last line.
            cut = self.state(node, "import", SPACE, code=1, stdin=text[:-5])
            self.assertIn("line 3: it has no line end: the file was cut short; 2 values are in; "
                          "go on with --skip 2", cut.stderr)
            bad = self.state(node, "import", SPACE, code=1, stdin='{"key": "x"}\n')
            self.assertIn("line 1: no JSON object with key and value", bad.stderr)

    def test_what_cannot_be_is_said(self):
        with self.node() as node:
            self.assert_complaint(dunlin("state", "get", SPACE, "--node", node.endpoint), 2,
                                  "dunlin state get takes SPACE KEY")
            self.assert_complaint(dunlin("state", "gte", SPACE, "a", "--node", node.endpoint), 2,
                                  "no action 'gte'", "did you mean get")
            self.assertIn("no space bench.counter on node",
                          self.state(node, "list", "bench.counter", code=1).stderr)
            without = dunlin("invoke", "bench/increment", "null", "--node", node.endpoint)
            self.assert_complaint(without, 1, "invalid_argument",
                                  "bench/increment works with state under a key, and the call has none")

    def test_a_folder_belongs_to_one_node(self):
        with self.node():
            with Process("node", "--listen", "tcp://127.0.0.1:0", "--module",
                         os.environ["BENCH_MODULE"], "--data", self.data) as second:
                self.assertEqual(second.rest(), "")
                self.assertNotEqual(second.wait(), 0)
                self.assertIn(self.data, second.log())

    def test_what_was_acknowledged_survives_a_kill(self):
        """Increments of many keys are under way when the node is killed; each that was answered is there."""
        keys = [b"k%d" % number for number in range(8)]
        for round_number in range(3):
            acknowledged = dict.fromkeys(keys, 0)
            with self.node() as node:
                enough = threading.Event()

                def load(key):
                    client = Client(node.endpoint, timeout_s=1.0)
                    try:
                        for count in range(100_000):
                            acknowledged[key] = client.call("bench/increment", key=key).value
                            if count == 20:
                                enough.set()
                    except Timeout:
                        client.close(polite=False)  # the node is gone

                threads = [threading.Thread(target=load, args=(key,)) for key in keys]
                for each in threads:
                    each.start()
                self.assertTrue(enough.wait(WAIT_SECONDS_MAX))
                node.signal(signal.SIGKILL)
                node.wait()
                for each in threads:
                    each.join()
            with self.node() as node, Client(node.endpoint) as client:
                for key in keys:
                    seen = client.call("bench/increment", key=key).value
                    # One more may have been stored whose answer was on its way.
                    self.assertIn(seen - 1 - acknowledged[key], (0, 1), f"round {round_number}, {key}")


if __name__ == "__main__":
    unittest.main()
