# SPDX-License-Identifier: Apache-2.0
"""The verbs that show a cluster and take nodes out of it: nodes, top and drain, against three real
nodes. See programs.py for what the environment has to name."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unittest

from programs import WAIT_SECONDS_MAX, Cluster, Node, Process, ProgramTest, binary, dunlin


def names_in(table):
    """The first word of each line of a table but its heads, up to an empty line."""
    return [line.split()[0] for line in table.partition("\n\n")[0].splitlines()[1:]]


class NodesTest(ProgramTest):
    def test_members_are_listed_as_the_asked_node_sees_them(self):
        with Cluster() as cluster:
            for name in cluster.nodes:
                ran = dunlin("nodes", "--node", cluster.endpoint(name))
                self.assert_exit(ran, 0)
                heads = ran.stdout.splitlines()[0].split()
                self.assertEqual(heads[:4], ["NODE", "STATE", "INCARNATION", "BUSY"])
                self.assertEqual(names_in(ran.stdout), ["n1", "n2", "n3"])
                marked = [line.split()[0] for line in ran.stdout.splitlines() if " * " in line]
                self.assertEqual(marked, [name])
                self.assertEqual(ran.stdout.count("alive"), 3)

            listed = json.loads(dunlin("nodes", "--json", "--node", cluster.endpoint("n2")).stdout)
            self.assertEqual([member["name"] for member in listed], ["n1", "n2", "n3"])
            for member in listed:
                self.assertEqual(member["state"], "alive")
                self.assertIn(cluster.endpoint(member["name"]), member["endpoints"])
                self.assertEqual(member["self"], member["name"] == "n2")
                self.assertGreater(member["instance"], 0)
                self.assertGreaterEqual(member["incarnation"], 1)
                self.assertRegex(member["version"], r"\d+\.\d+")
                self.assertTrue(0 <= member["busy"] <= 1, member)
                self.assertGreaterEqual(member["rtt_us"], 0)
            self.assertEqual(len({member["instance"] for member in listed}), 3)

            # Nothing is called: one node would do.
            self.assertRegex(ran.stdout, r"\n\n1 node wanted: functions use \d+% of one node's time on 3 nodes")
            wanted = [member for member in listed if "wanted_nodes" in member]
            self.assertEqual([member["name"] for member in wanted], ["n2"])
            self.assertEqual(wanted[0]["wanted_nodes"], 1)
            self.assertRegex(wanted[0]["wanted_nodes_reason"], r"^functions use \d+% of ")

    def test_a_killed_node_is_listed_as_dead_and_only_on_demand(self):
        with Cluster() as cluster:
            cluster.kill("n3")
            cluster.wait_until_state("n1", "n3", "dead")
            ran = dunlin("nodes", "--node", cluster.endpoint("n1"))
            self.assertEqual(names_in(ran.stdout), ["n1", "n2"])
            ran = dunlin("nodes", "--all", "--node", cluster.endpoint("n1"))
            self.assertEqual(names_in(ran.stdout), ["n1", "n2", "n3"])
            self.assertRegex(ran.stdout, r"\nn3 +dead ")
            listed = dunlin("nodes", "--json", "--node", cluster.endpoint("n1"))
            self.assertEqual([one["name"] for one in json.loads(listed.stdout)], ["n1", "n2"])

            cluster.restart("n3")
            ran = dunlin("nodes", "--node", cluster.endpoint("n1"))
            self.assertEqual(names_in(ran.stdout), ["n1", "n2", "n3"])

    def test_no_node_is_one_line(self):
        self.assert_complaint(
            dunlin("nodes", "--node", "tcp://127.0.0.1:9", "--connect-timeout", "100ms"), 3,
            "unavailable: no node answered")


class Terminal:
    """A verb that runs on a terminal, which is ours."""

    def __init__(self, *arguments, lines=20, columns=70):
        ours, its = pty.openpty()
        self._fd = ours
        self.size(lines, columns)
        self.before = termios.tcgetattr(its)
        # A session of its own, so that its terminal sends it the signals of keys.
        self.process = subprocess.Popen(
            [binary(), *arguments], stdin=its, stdout=its, stderr=its, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self._its = its
        self.shown = ""

    def size(self, lines, columns):
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def wait_for(self, pattern):
        """Reads until the pattern has been shown since the last one."""
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while not (found := re.search(pattern, self.shown, re.DOTALL)):
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self._fd], [], [], max(left, 0))
            if not ready or time.monotonic() > deadline:
                raise AssertionError(f"{pattern} was not shown; the last was {self.shown[-2000:]!r}")
            self.shown += os.read(self._fd, 65536).decode()
        text, self.shown = self.shown[:found.end()], self.shown[found.end():]
        return text

    def type(self, keys):
        os.write(self._fd, keys.encode())

    def settings(self):
        return termios.tcgetattr(self._its)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._fd)
        os.close(self._its)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class TopTest(ProgramTest):
    def test_calls_are_seen_where_they_run(self):
        with Cluster() as cluster, \
                Process("bench", "bench/echo", "--requests", "1000000000", "--window", "8",
                        "--node", cluster.endpoint("n1")):
            # The first calls may not have been made yet.
            deadline = time.monotonic() + WAIT_SECONDS_MAX
            while True:
                ran = dunlin("top", "--once", "--json", "--interval", "200ms", "--node",
                             cluster.endpoint("n2"))
                self.assert_exit(ran, 0)
                self.assertEqual(ran.stdout.count("\n"), 1)
                top = json.loads(ran.stdout)
                if top["functions"][0]["calls"] > 0 or time.monotonic() > deadline:
                    break
            self.assertEqual(top["asked"], "n2")
            self.assertEqual([node["name"] for node in top["nodes"]], ["n1", "n2", "n3"])
            for node in top["nodes"]:
                self.assertTrue(node["answers"], node)
                # Of the node's clock, between its two answers: less than was waited for where the
                # first was late.
                self.assertGreater(node["seconds"], 0)
            self.assertGreater(max(node["calls_per_second"] for node in top["nodes"]), 0)
            echo = top["functions"][0]
            self.assertEqual((echo["name"], echo["nodes"]), ("bench/echo", 3))
            self.assertEqual(echo["calls"], sum(node["calls"] for node in top["nodes"]))
            self.assertGreater(echo["p50_us"], 0)
            self.assertGreaterEqual(echo["p99_us"], echo["p50_us"])
            self.assertGreater(echo["activations"], 0)
            for rate in ("started_per_second", "retired_per_second", "cold_calls_per_second"):
                self.assertGreaterEqual(echo[rate], 0)
            self.assertFalse(any(f["name"].startswith("dunlin/") for f in top["functions"]))

            table = dunlin("top", "--once", "--interval", "200ms", "--node",
                           cluster.endpoint("n2"))
            self.assert_exit(table, 0)
            self.assertRegex(table.stdout, r"\A3 nodes as seen by n2, [\d,]+ calls/s\n\nNODE ")
            self.assertRegex(table.stdout, r"\nbench/echo +[\d,]+ +\d+us ")

    def test_a_node_that_hangs_does_not_hold_up_the_others(self):
        # It would be dead before it was asked twice.
        with Cluster(3, "--suspicion", "60s") as cluster:
            cluster.pause("n3")
            ran = dunlin("top", "--once", "--json", "--timeout", "300ms", "--interval", "100ms",
                         "--node", cluster.endpoint("n1"))
            self.assert_exit(ran, 0)
            answers = {node["name"]: node["answers"] for node in json.loads(ran.stdout)["nodes"]}
            self.assertEqual(answers, {"n1": True, "n2": True, "n3": False})
            ran = dunlin("top", "--once", "--timeout", "300ms", "--interval", "100ms",
                         "--node", cluster.endpoint("n1"))
            self.assertRegex(ran.stdout, r"1 without an answer\n")
            self.assertRegex(ran.stdout, r"\nn3 +\w+, no answer ")
            cluster.resume("n3")

    def test_it_goes_on_when_the_node_that_it_was_given_dies(self):
        with Cluster() as cluster, \
                Process("top", "--interval", "100ms", "--timeout", "300ms", "--json", "--node",
                        cluster.endpoint("n1")) as top:
            self.assertEqual(json.loads(top.line())["asked"], "n1")
            cluster.kill("n1")
            while (shown := json.loads(top.line()))["asked"] == "n1":
                pass
            while len(shown["nodes"]) > 2:
                shown = json.loads(top.line())
            self.assertEqual([node["name"] for node in shown["nodes"]], ["n2", "n3"])
            top.signal(signal.SIGINT)
            self.assertEqual(top.wait(), 130)

    def test_it_ends_when_nobody_answers_any_more(self):
        with Node("--name", "alone") as node, \
                Process("top", "--interval", "100ms", "--timeout", "300ms", "--node",
                        node.endpoint) as top:
            self.assertEqual(top.line()[:23], "1 node as seen by alone")
            node.close()
            self.assertEqual(top.wait(), 1)
            self.assertRegex(top.log(), r"\Adunlin: unavailable: .*\n\Z")

    def test_a_terminal_is_drawn_on_in_place_and_given_back(self):
        with Cluster() as cluster:
            for key, code in (("q", 0), ("\x03", 130)):
                with self.subTest(code=code), \
                        Terminal("top", "--interval", "100ms", "--node",
                                 cluster.endpoint("n1")) as screen:
                    screen.wait_for(r"\x1b\[\?1049h\x1b\[\?25l")
                    page = screen.wait_for(r"n3    alive +0 .*?q quits")
                    self.assertIn("\x1b[H", page)
                    screen.wait_for("RETRIED/S")
                    screen.size(8, 30)
                    screen.wait_for(r"\x1b\[H3 nodes.*\x1b\[K\r\n\x1b\[K\r\n"
                                    r"NODE  STATE  CALLS/S\x1b\[K\r\n")
                    screen.type(key)
                    screen.wait_for(r"\x1b\[\?25h\x1b\[\?1049l")
                    self.assertEqual(screen.process.wait(WAIT_SECONDS_MAX), code)
                    self.assertEqual(screen.settings(), screen.before)


class FunctionsTest(ProgramTest):
    def test_the_functions_of_all_nodes_are_listed_with_who_serves_them(self):
        with Cluster(2) as cluster:
            cluster.add("n3", "--module", os.environ["FAULTS_MODULE"])
            cluster.wait_until_alive("n1", "n2", "n3")
            n1 = ("--node", cluster.endpoint("n1"))
            listed = dunlin("functions", *n1)
            self.assert_exit(listed, 0)
            rows = listed.stdout.splitlines()
            self.assertRegex(rows[0], r"\AFUNCTION +PROPERTIES +ACTORS +INPUT -> OUTPUT +NODES "
                             r"+DESCRIPTION")
            for function, nodes in (("bench/echo", "all"), ("faults/trace_of", "n3")):
                row = next(row for row in rows if row.startswith(function + " "))
                self.assertRegex(row, rf" {nodes}( |$)")
            self.assertEqual(rows[-1], "Of 3 nodes: n1, n2, n3.")
            self.assertEqual(listed.stderr, "")
            by_name = {each["name"]: each for each in
                       json.loads(dunlin("functions", "--json", *n1).stdout)}
            self.assertEqual(by_name["bench/echo"]["nodes"], ["n1", "n2", "n3"])
            self.assertEqual(by_name["faults/trace_of"]["nodes"], ["n3"])
            whole = dunlin("functions", "faults/trace_of", *n1)
            self.assertIn("\nActors\n    0 now; 0 started, 0 ended, ", whole.stdout)
            self.assertIn("\nNodes\n    n3 (of 3)\n", whole.stdout)
            alone = dunlin("functions", "--this-node", *n1)
            self.assertNotIn("faults/", alone.stdout)
            self.assertEqual(alone.stdout.splitlines()[-1], "Of node n1.")

    def test_a_node_that_does_not_answer_is_named(self):
        with Cluster(2, "--suspicion", "30s") as cluster:
            cluster.nodes["n2"].signal(signal.SIGSTOP)
            try:
                listed = dunlin("functions", "--node", cluster.endpoint("n1"), "--timeout", "300ms")
            finally:
                cluster.nodes["n2"].signal(signal.SIGCONT)
            self.assert_complaint(listed, 0, "dunlin: node n2: ")
            self.assertEqual(listed.stdout.splitlines()[-1], "Of node n1.")


class DrainTest(ProgramTest):
    def test_an_unknown_node_is_named_with_those_that_there_are(self):
        with Cluster() as cluster:
            self.assert_complaint(
                dunlin("drain", "n22", "--node", cluster.endpoint("n1")), 2,
                "no node 'n22'; did you mean n2? The members are n1, n2, n3")
            cluster.kill("n3")
            cluster.wait_until_state("n1", "n3", "dead")
            self.assert_complaint(dunlin("drain", "n3", "--node", cluster.endpoint("n1")), 2,
                                  "the node n3 is dead; the members are n1, n2")

    def test_a_drained_node_leaves_and_its_calls_are_finished(self):
        with Cluster() as cluster:
            with Process("invoke", "bench/sleep", '{"us": 500000}', "--node",
                         cluster.endpoint("n2")) as call:
                busy = cluster.wait_until_one_is_busy("bench/sleep")
                # Any node finds it, the drained one too.
                ran = dunlin("drain", busy, "--node", cluster.endpoint(busy))
                self.assert_exit(ran, 0)
                self.assertRegex(ran.stdout, rf"\A{busy} has left after \d+\.\ds\n\Z")
                self.assertEqual(ran.stderr, "")
                self.assertEqual(call.wait(), 0, call.log())
            self.assertEqual(cluster.nodes[busy].wait(), 0, cluster.nodes[busy].log())
            other = next(name for name in cluster.nodes if name != busy)
            self.assertEqual(cluster.states(other)[busy], "left")
            self.assert_complaint(dunlin("drain", busy, "--node", cluster.endpoint(other)), 2,
                                  f"the node {busy} has left")

    def test_a_node_that_takes_longer_goes_on_draining(self):
        with Cluster(2, "--drain-timeout", "10s") as cluster:
            with Process("invoke", "bench/sleep", '{"us": 3000000}', "--node",
                         cluster.endpoint("n2")) as call:
                busy = cluster.wait_until_one_is_busy("bench/sleep")
                other = next(name for name in cluster.nodes if name != busy)
                ran = dunlin("drain", busy, "--timeout", "300ms", "--node",
                             cluster.endpoint(other))
                self.assert_complaint(ran, 1, f"{busy} is still draining after 0.",
                                      "goes on by itself")
                self.assertEqual(cluster.states(other)[busy], "draining")
                self.assert_exit(dunlin("drain", busy, "--node", cluster.endpoint(other)), 0)
                self.assertEqual(call.wait(), 0, call.log())

    def test_the_last_node_refuses_unless_it_is_forced(self):
        with Cluster(1) as cluster:
            ran = dunlin("drain", "n1", "--node", cluster.endpoint("n1"))
            self.assert_complaint(ran, 1, "invalid_argument: ")
            self.assertIsNone(cluster.nodes["n1"].process.poll())
            ran = dunlin("drain", "n1", "--force", "--node", cluster.endpoint("n1"))
            self.assert_exit(ran, 0)
            self.assertRegex(ran.stdout, r"\An1 has left after ")
            self.assertEqual(cluster.nodes["n1"].wait(), 0)

    def test_of_nodes_that_are_drained_at_once_one_stays_and_the_others_are_seen_to_leave(self):
        with Cluster() as cluster:
            drains = {name: Process("drain", name, "--node", cluster.endpoint(name))
                      for name in cluster.nodes}
            ended = {name: drain.wait() for name, drain in drains.items()}
            self.assertEqual(sorted(ended.values()), [0, 0, 1],
                             [drain.log() for drain in drains.values()])
            for name, code in ended.items():
                if code == 0:
                    self.assertEqual(cluster.nodes[name].wait(), 0)
                else:
                    self.assertIn("is the last one that takes calls", drains[name].log())
                    self.assertEqual(list(cluster.states(name).values()).count("alive"), 1)
            for drain in drains.values():
                drain.close()


if __name__ == "__main__":
    unittest.main()
