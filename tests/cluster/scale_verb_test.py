# SPDX-License-Identifier: Apache-2.0
"""`dunlin scale` and `dunlin/scale`, and what a node's file says of single functions, against real
nodes. See programs.py for what the environment has to name."""

import json
import os
import signal
import tempfile
import unittest

from programs import Cluster, Node, Process, ProgramTest, dunlin, wait_until
from python_client import Client, invoke, sent


class File:
    """A configuration file of a test."""

    def __init__(self, text):
        self._file = tempfile.NamedTemporaryFile("w", suffix=".toml")
        self._file.write(text)
        self._file.flush()
        self.path = self._file.name

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()


def scale(cluster_or_node, *arguments, asked="n1"):
    endpoint = (cluster_or_node.endpoint(asked) if isinstance(cluster_or_node, Cluster)
                else cluster_or_node.endpoint)
    return dunlin("scale", *arguments, "--node", endpoint)


def settings(place, function, asked="n1"):
    """Node to its settings, each "value source", by what the verb tells programs."""
    told = json.loads(scale(place, function, "--json", asked=asked).stdout)
    return {each["node"]: {name: f"{of['value']} {of['source']}"
                           for name, of in each["after"].items()}
            for each in told if each.get("served")}


def lines(text):
    """Rows of a table, their columns one space apart."""
    return [" ".join(line.split()) for line in text.splitlines()]


class ScaleTest(ProgramTest):
    def test_a_function_is_set_shown_and_reset_on_all_nodes(self):
        with Cluster() as cluster:
            ran = scale(cluster, "bench/echo", "--min", "2", "--max", "64", "--priority", "high",
                        "--target-wait", "20ms", asked="n2")
            self.assert_exit(ran, 0)
            self.assertEqual(ran.stderr, "")
            self.assertEqual(lines(ran.stdout), ["NODE SETTING BEFORE AFTER"] + [
                line for name in ("n1", "n2", "n3") for line in (
                    f"{name} min 0 (default) -> 2 (command)",
                    f"{name} max by its kind (default) -> 64 (command)",
                    f"{name} target_wait 5ms (default) -> 20ms (command)",
                    f"{name} priority normal (default) -> high (command)")])
            # It holds: what is to stay is there, though nobody has called.
            for node in cluster.nodes.values():
                echo = node.functions()["bench/echo"]
                self.assertEqual(echo["activations"], 2)
                self.assertEqual(echo["scale"], {
                    "min": 2, "max": 64, "target_wait_us": 20000, "idle_us": 0,
                    "priority": "high", "weight": 1})

            # Over what has been said before; the same again changes nothing.
            ran = scale(cluster, "bench/echo", "--max", "64", "--weight", "3", "--idle", "1m")
            self.assert_exit(ran, 0)
            self.assertEqual(lines(ran.stdout)[1:3], ["n1 idle 0s (default) -> 1m (command)",
                                                      "n1 weight 1 (default) -> 3 (command)"])
            again = scale(cluster, "bench/echo", "--max", "64")
            self.assert_exit(again, 0)
            self.assertEqual(again.stdout, "Nothing changes on n1, n2 and n3.\n")

            ran = scale(cluster, "bench/echo")
            self.assert_exit(ran, 0)
            self.assertEqual(lines(ran.stdout), [
                "NODE MIN MAX TARGET WAIT IDLE PRIORITY WEIGHT"] + [
                f"{name} 2 (command) 64 (command) 20ms (command) 1m (command) high (command) "
                "3 (command)" for name in ("n1", "n2", "n3")])

            ran = scale(cluster, "bench/echo", "--reset")
            self.assert_exit(ran, 0)
            self.assertIn("n3 max 64 (command) -> by its kind (default)", lines(ran.stdout))
            for node in settings(cluster, "bench/echo").values():
                self.assertEqual(set(each.split()[1] for each in node.values()), {"default"})
            # What has to stay no more ends.
            wait_until(lambda: cluster.nodes["n1"].functions()["bench/echo"]["activations"] == 0,
                       "the idle activations end")

    def test_a_node_without_the_function_is_said_to_have_none(self):
        with Cluster(2) as cluster:
            cluster.add("n3", "--module", os.environ["FAULTS_MODULE"])
            cluster.wait_until_alive(*cluster.nodes)
            ran = scale(cluster, "faults/stay", "--max", "7")
            self.assert_exit(ran, 0)
            self.assertEqual(lines(ran.stdout), [
                "NODE SETTING BEFORE AFTER", "n3 max by its kind (default) -> 7 (command)",
                "n1 and n2 do not serve it."])
            told = json.loads(scale(cluster, "faults/stay", "--json").stdout)
            self.assertEqual([each["served"] for each in told], [False, False, True])

    def test_a_node_that_does_not_answer_is_named_and_the_others_are_set(self):
        with Cluster(3, "--suspicion", "60s") as cluster:
            cluster.nodes["n3"].stop_running()
            ran = scale(cluster, "bench/echo", "--max", "9", "--timeout", "1s")
            self.assert_exit(ran, 1)
            self.assertEqual(lines(ran.stdout)[1:], [
                "n1 max by its kind (default) -> 9 (command)",
                "n2 max by its kind (default) -> 9 (command)"])
            complaints = ran.stderr.splitlines()
            self.assertEqual(len(complaints), 2, ran.stderr)
            self.assertTrue(complaints[0].startswith("dunlin: node n3: "), ran.stderr)
            self.assertEqual(complaints[1], "dunlin: set on n1 and n2, but not on n3; the command "
                                            "can be repeated")
            cluster.resume("n3")
            cluster.wait_until_alive(*cluster.nodes)
            ran = scale(cluster, "bench/echo", "--max", "9")
            self.assert_exit(ran, 0)
            self.assertEqual({name: each["max"] for name, each in
                              settings(cluster, "bench/echo").items()},
                             {"n1": "9 command", "n2": "9 command", "n3": "9 command"})

    def test_a_node_that_drains_is_named_and_the_others_are_set(self):
        with Cluster(2, "--drain-timeout", "60s") as cluster, \
                Process("invoke", "bench/sleep", '{"us": 60000000}', "--timeout", "2m", "--node",
                        cluster.endpoint("n2")):
            busy = cluster.wait_until_one_is_busy("bench/sleep")
            other = next(name for name in cluster.nodes if name != busy)
            cluster.nodes[busy].signal(signal.SIGTERM)
            cluster.wait_until_state(other, busy, "draining")
            ran = scale(cluster, "bench/echo", "--max", "9", asked=other)
            self.assert_exit(ran, 1)
            self.assertEqual(lines(ran.stdout)[1:],
                             [f"{other} max by its kind (default) -> 9 (command)"])
            self.assertEqual(ran.stderr.splitlines(), [
                f"dunlin: node {busy}: it drains, so it takes no calls any more and ends",
                f"dunlin: set on {other}, but not on {busy}; the command can be repeated"])
            # Only shown: the same node is missing.
            ran = scale(cluster, "bench/echo", asked=other)
            self.assert_complaint(ran, 1, f"node {busy}: it drains")

    def test_what_cannot_be_is_refused_before_anything_is_done(self):
        with Node() as node:
            for arguments, why in (
                    (("--min", "3", "--max", "2"), "min 3 is above max 2"),
                    (("--min", "131073"), "--min: 131073 is out of range; between 0 and 131072"),
                    (("--max", "0"), "--max: 0 is out of range; between 1 and 131072"),
                    (("--max", "-1"), "--max"),
                    (("--max", "99999999999999999999"), "--max"),
                    (("--max", "many"), "--max: "),
                    (("--weight", "0"), "--weight: 0 is out of range; between 1 and 1000"),
                    (("--weight", "1001"), "--weight: 1001 is out of range"),
                    (("--target-wait", "5"), "--target-wait: "),
                    (("--target-wait", "0s"), "--target-wait: 0s is out of range"),
                    (("--target-wait", "2h"), "between 1us and 1h is possible"),
                    (("--idle", "25h"), "--idle: 25h is out of range; between 0s and 24h"),
                    (("--priority", "hihg"), "'hihg' is none of low, normal, high; did you mean "
                                             "high?"),
                    (("--reset", "--max", "2"), "--reset takes back what was set")):
                self.assert_complaint(scale(node, "bench/echo", *arguments), 2, why)
            self.assert_complaint(scale(node, "dunlin/stats", "--max", "2"), 2,
                                  "dunlin/stats is the nodes' own function")
            self.assert_complaint(scale(node, "bench/ehco", "--max", "2"), 1,
                                  "no function bench/ehco; did you mean bench/echo?")
            self.assert_complaint(scale(node, "zzz/nothing"), 1,
                                  "no function zzz/nothing; dunlin functions lists")
            self.assert_complaint(dunlin("scale"), 2, "FUNCTION")
            only, = settings(node, "bench/echo").values()
            self.assertEqual(set(each.split()[1] for each in only.values()), {"default"})

    def test_no_node_is_one_line(self):
        self.assert_complaint(
            dunlin("scale", "bench/echo", "--node", "tcp://127.0.0.1:9", "--connect-timeout",
                   "100ms"), 3, "unavailable: no node answered")

    def test_the_file_counts_before_the_limit_for_all_and_the_command_before_the_file(self):
        with File('[functions."bench/echo"]\nmin = 1\nmax = 16\nidle = "1m"\n'
                  '[functions."bench/nap"]\nweight = 5\n') as file, \
                Node("--config", file.path, "--name", "a", "--activations", "8") as node:
            def of(function):
                return settings(node, function)["a"]
            self.assertEqual(of("bench/echo"), {
                "min": "1 file", "max": "16 file", "target_wait_us": "5000 default",
                "idle_us": "60000000 file", "priority": "normal default", "weight": "1 default"})
            self.assertEqual(of("bench/nap")["max"], "8 activations")
            self.assertEqual(of("bench/nap")["weight"], "5 file")
            self.assertEqual(node.functions()["bench/echo"]["activations"], 1)

            # The node knows what the command line alone does not.
            ran = scale(node, "bench/echo", "--min", "17")
            self.assert_complaint(ran, 1, "node a: invalid_argument: min 17 by dunlin scale is "
                                          "above max 16 by the node's file")
            self.assertEqual(of("bench/echo")["min"], "1 file")
            self.assert_exit(scale(node, "bench/echo", "--min", "17", "--max", "20"), 0)
            self.assertEqual(of("bench/echo")["max"], "20 command")
            self.assert_exit(scale(node, "bench/echo", "--reset"), 0)
            self.assertEqual(of("bench/echo")["max"], "16 file")

    def test_a_file_that_cannot_be_meant_so_does_not_start_a_node(self):
        for text, why in (
                ('[functions."bench/ehco"]\nmax = 1', ':1:12: functions: no function "bench/ehco"; '
                 "did you mean bench/echo? There are bench/echo, bench/fail, "),
                ('[functions."bench/echo"]\nmin = 2\nmax = 1', "min 2 is above max 1"),
                ('[functions."bench/echo"]\npriority = "urgent"', ":2:12: "),
                ('[functions."bench/echo"]\nmin = 9\n[pools]\nactivations = 4',
                 "min 9 by the node's file is above max 4 by --activations")):
            with File(text) as file:
                ran = dunlin("node", "--module", os.environ["BENCH_MODULE"], "--listen",
                             "tcp://127.0.0.1:0", "--config", file.path)
                self.assert_complaint(ran, 2, file.path, why)


class SystemFunctionTest(ProgramTest):
    def test_what_it_is_given_is_read_strictly_and_a_refusal_changes_nothing(self):
        with Node() as node, Client(node.endpoint) as client:
            def ask(**question):
                return client.call("dunlin/scale", question)
            told = ask(function="bench/echo", min=2, idle_us=5)
            self.assertEqual(told.value["before"]["min"], {"value": 0, "source": "default"})
            self.assertEqual(told.value["after"]["min"], {"value": 2, "source": "command"})
            before = ask(function="bench/echo").value["after"]
            for question, why in (
                    (None, "takes a map with function"),
                    ({}, "takes a map with function"),
                    ({"function": 3}, "takes a map with function"),
                    ({"function": "bench/echo", "mxa": 3}, "unknown setting 'mxa'"),
                    ({"function": "bench/echo", "weight": 9, "max": 1},
                     "min 2 by dunlin scale is above max 1"),
                    ({"function": "bench/echo", "max": "3"}, "max: expected a whole number"),
                    ({"function": "bench/echo", "max": 2.5}, "max: expected a whole number"),
                    ({"function": "bench/echo", "max": -3}, "max: -3 is negative"),
                    ({"function": "bench/echo", "max": 2**64 - 1}, "max: 9223372036854775807 is"),
                    ({"function": "bench/echo", "priority": "urgent"}, "none of low, normal, high"),
                    ({"function": "bench/echo", "priority": 2}, "priority: expected"),
                    ({"function": "bench/echo", "reset": 1}, "reset is true or false"),
                    ({"function": "bench/echo", "reset": True, "max": 3}, "sets nothing itself"),
                    ({"function": "dunlin/stats", "max": 3}, "is the node's own function")):
                refused = client.call("dunlin/scale", question)
                self.assertEqual(refused.code, 2, refused)
                self.assertIn(why, refused.detail)
            unknown = ask(function="bench/ehco", max=3)
            self.assertEqual(unknown.code, 2, unknown)
            self.assertIn("did you mean bench/echo?", unknown.detail)
            self.assertEqual(ask(function="bench/echo").value["after"], before)

    def test_an_input_without_an_end_to_its_depth_is_refused_and_ends_nobody(self):
        with Node() as node, Client(node.endpoint) as client:
            call_id = client.new_id()
            client.send(sent(), invoke(call_id, "dunlin/scale", b"\x91" * 1_000_000 + b"\xc0"))
            self.assertEqual(client.answer_to(call_id).code, 2)
            self.assertEqual(client.call("bench/echo", 5).value, 5)


if __name__ == "__main__":
    unittest.main()
