# SPDX-License-Identifier: Apache-2.0
"""`dunlin simulate --from` and `dunlin/record`: the load of real nodes, recorded and rehearsed. See
programs.py for what the environment has to name."""

import csv
import json
import os
import signal
import tempfile
import unittest

from programs import Cluster, Node, Process, ProgramTest, dunlin, wait_until

SLEEP = ("bench", "bench/sleep", "--payload", '{"us": 20000}', "--window", "4", "--warmup", "0", "--json")
ECHO = ("bench", "bench/echo", "--window", "8", "--warmup", "0", "--json")
# Longer than any test takes: a signal ends the recording.
LONG = ("--for", "10m")


def records(node):
    """How many questions of recorders the node has answered."""
    return next(each["invocations"] for each in node.stats()["functions"]
                if each["name"] == "dunlin/record")


def wait_until_recorded(node):
    wait_until(lambda: records(node) > 0, "the node records")


class RecordTest(ProgramTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.saved = os.path.join(folder.name, "load.csv")
        self.durations = os.path.join(folder.name, "load-durations.csv")

    def call(self, place, *arguments):
        self.assert_exit(dunlin(*arguments, "--node", place.endpoint), 0)

    def finish(self, recorder, after=()):
        """Has the recording end, once the nodes have told what came to them before."""
        seen = [records(node) for node in after]
        wait_until(lambda: all(records(node) > count + 1 for node, count in zip(after, seen)),
                   "another round of questions")
        recorder.signal(signal.SIGINT)
        text = recorder.rest()
        self.assertEqual(recorder.wait(), 0, recorder.log())
        return text

    def test_calls_of_all_nodes_are_recorded_rehearsed_and_saved(self):
        with Cluster(2) as cluster:
            nodes = list(cluster.nodes.values())
            with Process("simulate", "--from", cluster.endpoint("n1"), *LONG, "--save", self.saved,
                         "--json", "--policy", "dunlin", "fixed:8") as recorder:
                for node in nodes:
                    wait_until_recorded(node)
                for node in nodes:
                    self.call(node, *SLEEP, "--requests", "30")
                    self.call(node, *ECHO, "--requests", "1000")
                told = json.loads(self.finish(recorder, nodes))
                self.assertIn(f"again with: dunlin simulate {self.saved} --durations "
                              f"{self.durations}\n", recorder.log())
        self.assertEqual([each["policy"] for each in told["policies"]], ["dunlin", "fixed:8"])
        # 60 calls of 20 ms, measured by the nodes; what the others take is next to nothing.
        self.assertGreater(told["policies"][0]["busy_seconds"], 1.2)
        self.assertLess(told["policies"][0]["busy_seconds"], 3)
        with open(self.saved, encoding="utf-8") as file:
            rows = list(csv.reader(file))
        self.assertEqual(rows[0][:4], ["HashOwner", "HashApp", "HashFunction", "Trigger"])
        self.assertEqual({row[2]: sum(map(int, row[4:])) for row in rows[1:]},
                         {"bench/echo": 2000, "bench/sleep": 60})
        again = dunlin("simulate", self.saved, "--durations", self.durations, "--json", "--policy",
                       "dunlin", "fixed:8")
        self.assert_exit(again, 0)
        busy = json.loads(again.stdout)["policies"][0]["busy_seconds"]
        self.assertAlmostEqual(busy, told["policies"][0]["busy_seconds"], delta=0.01)

    def test_one_function_is_saved_as_times_and_counts(self):
        with Node() as node:
            with Process("simulate", "--from", node.endpoint, "bench/sleep", *LONG, "--save",
                         self.saved) as recorder:
                wait_until_recorded(node)
                self.call(node, *SLEEP, "--requests", "25")
                self.call(node, *ECHO, "--requests", "100")
                shown = self.finish(recorder, [node])
                words = recorder.log().split("again with: dunlin ", 1)[1].split()
            self.assertIn(f"{node.endpoint}: 1 function, 25 calls in ", shown)
            again = dunlin(*words)
            self.assert_exit(again, 0)
            self.assertIn(": 1 function, 25 calls in ", again.stdout)
            # How long a call takes can be said in place of what was measured.
            with Process("simulate", "--from", node.endpoint, "bench/sleep", *LONG,
                         "--service-time", "3s", "--json") as recorder:
                before = records(node)
                wait_until(lambda: records(node) > before, "the node records")
                self.call(node, *SLEEP, "--requests", "2")
                told = json.loads(self.finish(recorder, [node]))
            self.assertEqual(told["policies"][0]["busy_seconds"], 6)
        with open(self.saved, encoding="utf-8") as file:
            rows = list(csv.reader(file))
        self.assertEqual(rows[0], ["period", "count"])
        self.assertEqual(sum(int(count) for _, count in rows[1:]), 25)

    def test_it_ends_by_itself_after_its_time(self):
        with Node() as node, Process("simulate", "--from", node.endpoint, "--for", "5s",
                                     "--save", self.saved) as recorder:
            wait_until_recorded(node)
            self.call(node, *ECHO, "--requests", "50")
            shown = recorder.rest()
            self.assertEqual(recorder.wait(), 0, recorder.log())
            self.assertIn(": 1 function, 50 calls in 5s\n", shown)
            with open(self.saved, encoding="utf-8") as file:
                self.assertEqual(len(file.readlines()), 1 + 50)

    def test_a_node_that_falls_silent_is_named_and_the_others_count(self):
        with Cluster(2, "--suspicion", "60s") as cluster:
            first, second = cluster.nodes["n1"], cluster.nodes["n2"]
            with Process("simulate", "--from", first.endpoint, "bench/sleep", *LONG, "--json",
                         "--timeout", "500ms") as recorder:
                wait_until_recorded(first)
                wait_until_recorded(second)
                second.stop_running()
                wait_until(lambda: "node n2: " in recorder.log(), "it is said")
                self.call(first, *SLEEP, "--requests", "5")
                told = json.loads(self.finish(recorder, [first]))
                self.assertEqual(recorder.log().count("node n2: "), 1, recorder.log())
            self.assertGreaterEqual(told["policies"][0]["busy_seconds"], 0.1)

    def test_a_node_that_comes_later_records_too(self):
        with Cluster(1) as cluster:
            first = cluster.nodes["n1"]
            with Process("simulate", "--from", first.endpoint, *LONG, "--json", "--service-time",
                         "1s") as recorder:
                wait_until_recorded(first)
                late = cluster.add("n2")
                cluster.wait_until_alive("n1", "n2")
                wait_until_recorded(late)
                self.call(late, *ECHO, "--requests", "40")
                told = json.loads(self.finish(recorder, [first, late]))
            self.assertEqual(told["policies"][0]["busy_seconds"], 40)

    def test_what_cannot_be_recorded_is_said(self):
        with Node() as node:
            at = ("simulate", "--from", node.endpoint, "--for", "200ms")
            self.assert_complaint(dunlin(*at), 1, "no calls came in 200ms")
            self.assert_complaint(dunlin(*at, "bench/none"), 1,
                                  "no node that answers serves a function bench/none")
            self.assert_complaint(dunlin(*at, "dunlin/stats"), 2, "the nodes' own function")
            self.assert_complaint(dunlin(*at, "--save", "/none/load.csv"), 2,
                                  "--save: /none/load.csv: No such file or directory")
            self.assert_complaint(dunlin(*at, "--durations", "d.csv"), 2, "nodes tell how long")
            self.assert_complaint(dunlin("simulate", "--from", node.endpoint, "--for", "2h"), 2,
                                  "more than an hour is not recorded")
        self.assert_complaint(dunlin("simulate", "a.csv", "--save", "b.csv"), 2, "--from records")
        self.assert_complaint(dunlin("simulate", "a.csv", "--for", "1s"), 2, "--from records")
        self.assert_complaint(dunlin("simulate", "a.csv", "b.csv"), 2, "one trace too many")
        self.assert_complaint(dunlin("simulate", "--from", "tcp://127.0.0.1:9", "--connect-timeout",
                                     "100ms"), 3, "tcp://127.0.0.1:9")

    def test_the_function_reads_strictly_and_bounds_what_runs(self):
        with Node() as node:
            def ask(question):
                return dunlin("invoke", "dunlin/record", json.dumps(question), "--node", node.endpoint)

            for question, part in (({"periods": 0}, "periods is missing"), ([], "the input is no map"),
                                   ({"periods": -1}, "periods is no number"),
                                   ({"periods": 1, "functions": [1]}, "functions is no array of texts"),
                                   ({"periods": 1, "people": 3}, "unknown word 'people'"),
                                   ({"recording": 1, "stop": 2}, "stop is neither true nor false")):
                self.assert_complaint(ask(question), 1, "invalid_argument: dunlin/record: " + part)
            self.assert_complaint(ask({"recording": 1}), 1, "invalid_argument: there is no such recording")
            begun = [json.loads(ask({"periods": 9000, "functions": ["bench/echo", "x/y"]}).stdout)
                     for _ in range(4)]
            self.assertEqual(begun[0]["functions"], ["bench/echo"])
            self.assertEqual(begun[0]["period_us"], 100000)
            self.assert_complaint(ask({"periods": 1}), 1, "failed: as many recordings")
            self.call(node, *ECHO, "--requests", "7")
            one = begun[0]["recording"]
            told = wait_until(lambda: (got := json.loads(ask({"recording": one}).stdout)) and
                              sum(got["functions"][0]["counts"]) == 7 and got, "all seven")
            self.assertEqual((told["from"], told["complete"]), (0, False))
            self.assertEqual(len(told["functions"][0]["counts"]), told["periods"])
            for each in begun:
                self.assert_exit(ask({"recording": each["recording"], "stop": True}), 0)
            self.assert_complaint(ask({"recording": one}), 1, "no such recording")
            # All are gone, and their thread with them; others can begin.
            again = json.loads(ask({"periods": 2}).stdout)
            self.assertIn("bench/sleep", again["functions"])
            self.assertNotIn("dunlin/stats", again["functions"])
            wait_until(lambda: json.loads(ask({"recording": again["recording"]}).stdout)["complete"],
                       "two periods")


if __name__ == "__main__":
    unittest.main()
