# SPDX-License-Identifier: Apache-2.0
"""Processes that die while they have calls: what the program `dunlin` and its cluster make of it.
See programs.py for what the environment has to name."""

import json
import os
import signal
import subprocess
import threading
import time
import unittest

from programs import Cluster, Process, ProgramTest, dunlin, wait_until


def faults():
    return ("--module", os.environ["FAULTS_MODULE"])


def endpoints_of(cluster):
    return [word for endpoint in cluster.endpoints for word in ("--node", endpoint)]


class Lines:
    """`dunlin invoke --lines -` that is fed as long as its results are taken."""

    def __init__(self, *arguments):
        self.run = Process("invoke", *arguments, "--lines", "-", stdin=subprocess.PIPE)
        self._feeding = True
        self._fed = 0
        self._feeder = threading.Thread(target=self._feed)
        self._feeder.start()

    def _feed(self):
        try:
            while self._feeding:
                self.run.process.stdin.write(b"%d\n" % self._fed)
                self._fed += 1
            self.run.process.stdin.close()
        except (BrokenPipeError, ValueError):
            pass  # it has ended before, and whoever reads its output sees that

    def take(self, count):
        return [json.loads(self.run.line()) for _ in range(count)]

    def end(self):
        """No more inputs. Gives all results that are left, and the exit code."""
        self._feeding = False
        rest = [json.loads(line) for line in self.run.until_end().splitlines()]
        self._feeder.join()
        return rest, self.run.wait(), self._fed

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._feeding = False
        self.run.close()
        self._feeder.join()


def ended(cluster):
    return [name for name, node in cluster.nodes.items() if node.process.poll() is not None]


class SurvivalTest(ProgramTest):
    def assert_lines_survive(self, cluster, victim, *nodes):
        with Lines("bench/echo", "--window", "256", "--timeout", "20s", *nodes) as lines:
            seen = lines.take(2000)
            cluster.kill(victim)
            seen += lines.take(2000)
            rest, code, fed = lines.end()
            seen += rest
            self.assertEqual(seen, list(range(fed)))
            self.assertEqual(code, 0, lines.run.log())

    def test_lines_lose_no_idempotent_call_with_the_node_that_they_entered_by(self):
        with Cluster() as cluster:
            self.assert_lines_survive(cluster, "n1", *endpoints_of(cluster))

    def test_lines_lose_no_idempotent_call_with_a_node_behind_the_one_that_is_named(self):
        with Cluster() as cluster:
            self.assert_lines_survive(cluster, "n2", "--node", cluster.endpoint("n1"))

    def test_a_call_that_ends_its_node_takes_one_more_and_no_third(self):
        with Cluster(4, *faults()) as cluster:
            ran = dunlin("invoke", "faults/crash", "--timeout", "20s", *endpoints_of(cluster))
            self.assert_complaint(ran, 1, "unavailable", "faults/crash was lost with node n",
                                  "it is not tried again")
            # The loss of a connection may be known before its process is gone.
            wait_until(lambda: len(ended(cluster)) >= 2, "two nodes ended")
            died = ended(cluster)
            self.assertEqual(len(died), 2, died)
            for name in died:
                self.assertEqual(cluster.nodes[name].process.poll(), -signal.SIGSEGV)
            alive = next(name for name in cluster.nodes if name not in died)
            for name in died:
                cluster.wait_until_state(alive, name, "dead")
            ran = dunlin("invoke", "bench/echo", "7", *endpoints_of(cluster))
            self.assertEqual((ran.returncode, ran.stdout), (0, "7\n"))

    def test_a_call_that_ends_its_node_is_stopped_by_the_node_it_entered_by(self):
        # n1 does not serve it, so it counts the nodes that it sends the call to.
        with Cluster(1) as cluster:
            for name in ("n2", "n3", "n4"):
                cluster.add(name, *faults())
            cluster.wait_until_alive(*cluster.nodes)
            ran = dunlin("invoke", "faults/crash", "--timeout", "20s", "--node",
                         cluster.endpoint("n1"))
            self.assert_complaint(ran, 1, "faults/crash was lost with node n", "it is not tried again")
            wait_until(lambda: len(ended(cluster)) >= 2, "two nodes ended")
            died = ended(cluster)
            self.assertEqual(len(died), 2, died)
            self.assertNotIn("n1", died)

    def test_a_timeout_is_never_longer_for_the_wait_for_a_node(self):
        began = time.monotonic()
        ran = dunlin("invoke", "bench/echo", "--timeout", "300ms", "--node", "tcp://127.0.0.1:9")
        self.assert_complaint(ran, 3, "unavailable", "within 300 ms")
        self.assertLess(time.monotonic() - began, 4)


if __name__ == "__main__":
    unittest.main()
