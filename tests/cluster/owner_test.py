# SPDX-License-Identifier: Apache-2.0
"""Keys of nodes that share a PostgreSQL: what callers see while owners are restarted, killed and
stopped. See programs.py and postgres.py for what the environment has to name."""

import collections
import json
import os
import pathlib
import threading
import unittest

from postgres import Postgres
from programs import Cluster, ProgramTest, dunlin, wait_until
from python_client import Client

SPACE = "bench.counters"
KEYS = [f"k{number}" for number in range(24)]


def setUpModule():
    OwnerTest.server = Postgres()


def tearDownModule():
    OwnerTest.server.close()


class Callers:
    """Threads that increment all keys in turn through one node, and note what they are told."""

    def __init__(self, endpoint, count=4, function="bench/increment", **options):
        self._function, self._options = function, options
        self.told = collections.defaultdict(list)  # by key
        self.unknown = collections.Counter()       # calls that failed and may have run
        self.failures = collections.Counter()      # by what was said
        self._calls = 0
        self._changed = threading.Condition()
        self._ends = False
        self._threads = [threading.Thread(target=self._run, args=(endpoint, number))
                         for number in range(count)]
        for each in self._threads:
            each.start()

    def _run(self, endpoint, number):
        with Client(endpoint, f"caller {number}", timeout_s=60) as client:
            for turn in range(number, 1 << 30):
                key = KEYS[turn % len(KEYS)]
                answer = client.call(self._function, None, key=key.encode(),
                                     remaining_us=20_000_000, **self._options)
                with self._changed:
                    if answer.payload is not None:
                        self.told[key].append(answer.value)
                    else:
                        self.failures[f"{answer.code} {answer.detail}"] += 1
                        self.unknown[key] += 0 if answer.did_not_run else 1
                    self._calls += 1
                    self._changed.notify_all()
                    if self._ends:
                        return

    def go_on(self, calls):
        """Returns when so many more have ended."""
        with self._changed:
            goal = self._calls + calls
            if not self._changed.wait_for(lambda: self._calls >= goal, 60):
                raise AssertionError(f"waited for {calls} calls: {self.failures}")

    def end(self):
        with self._changed:
            self._ends = True
        for each in self._threads:
            each.join()


class OwnerTest(ProgramTest):
    server = None
    databases = 0

    def cluster(self, count=3, *arguments):
        OwnerTest.databases += 1
        return Cluster(count, "--store", self.server.database(f"owner_{OwnerTest.databases}"),
                       *arguments)

    def stored(self, endpoint, space=SPACE):
        lines = dunlin("state", "export", space, "--node", endpoint)
        self.assert_exit(lines, 0)
        return {each["key"]: each["value"]["value"]
                for each in map(json.loads, lines.stdout.splitlines())}

    def wait_for_turns(self, cluster, name):
        """Until that node has some of the calls."""
        def turns():
            state = cluster.nodes[name].stats().get("state")
            return state["spaces"][0]["turns"] if state else 0
        before = turns()
        wait_until(lambda: turns() > before, f"{name} to have turns")

    def assert_exact(self, callers, endpoint):
        """Nobody was told a value twice, none that was told is gone, and none was counted twice."""
        stored = self.stored(endpoint)
        for key, told in callers.told.items():
            self.assertEqual(len(told), len(set(told)), (key, told))
            self.assertGreaterEqual(stored[key], max(told), key)
            self.assertLessEqual(stored[key], len(told) + callers.unknown[key],
                                 (key, callers.failures))
            self.assertGreaterEqual(stored[key], len(told), key)

    def test_a_rolling_restart_under_load_costs_no_call(self):
        with self.cluster() as cluster:
            nodes = [word for name in cluster.nodes
                     for word in ("--node", cluster.endpoint(name))]
            figures = []
            ends = threading.Event()

            def load():
                while not ends.is_set():
                    ran = dunlin("bench", "bench/increment", "--keys", "64", "--window", "8",
                                 "--warmup", "0", "--requests", "200", "--timeout", "30s", "--json",
                                 *nodes)
                    figures.append(json.loads(ran.stdout) if ran.returncode == 0 else ran.stderr)

            caller = threading.Thread(target=load)
            caller.start()
            try:
                for name in list(cluster.nodes):
                    self.wait_for_turns(cluster, name)
                    cluster.restart(name)
                    self.wait_for_turns(cluster, name)
            finally:
                ends.set()
                caller.join()
            self.assertTrue(all(isinstance(each, dict) for each in figures), figures)
            self.assertEqual([each["errors"] for each in figures], [0] * len(figures))
            stored = sum(self.stored(cluster.endpoint("n1")).values())
            self.assertEqual(stored, sum(each["requests"] for each in figures))

    def test_a_node_that_drains_names_its_hottest_keys_to_their_new_owner(self):
        keys = [b"hot %d" % number for number in range(1000)]
        with self.cluster(2) as cluster:
            def space(name):
                state = cluster.nodes[name].stats().get("state")
                return state["spaces"][0] if state else {}

            def call_all(client, function, value):
                calls = [client.start(function, None, key=key) for key in keys]
                for call in calls:
                    answer = client.answer_to(call)
                    self.assertEqual(answer.value, value, answer)

            with Client(cluster.endpoint("n2"), timeout_s=60) as client:
                call_all(client, "bench/increment", 1)
                call_all(client, "bench/increment", 2)
                moving = space("n1")["keys_in_memory"]
                self.assertGreater(moving, 200)
                self.assertEqual(cluster.stop("n1"), 0)
                wait_until(lambda: space("n2")["keys_taken"] == moving, "n2 to read what it gets")
                # That is read behind them.
                dunlin("state", "get", SPACE, "nobody", "--node", cluster.endpoint("n2"))
                before = space("n2")
                call_all(client, "bench/peek", 2)
                after = space("n2")
            self.assertEqual(after["found"] + after["missed"],
                             before["found"] + before["missed"] + len(keys))
            self.assertLess(after["missed"] - before["missed"], moving / 10)
            self.assertLess(after["reads"] - before["reads"], moving / 10)

    def test_a_node_that_joins_is_told_the_hottest_keys_that_it_gets(self):
        keys = [b"hot %d" % number for number in range(1000)]
        with self.cluster(1) as cluster:
            with Client(cluster.endpoint("n1"), timeout_s=60) as client:
                for call in [client.start("bench/increment", None, key=key) for key in keys]:
                    self.assertEqual(client.answer_to(call).value, 1)
            cluster.add("n2")
            cluster.wait_until_alive("n1", "n2")

            def taken():
                n1, n2 = (cluster.nodes[name].stats()["state"]["spaces"][0]
                          for name in ("n1", "n2"))
                return n1["keys_offered"] > 200 and n2["keys_taken"] == n1["keys_offered"]

            wait_until(taken, "n2 to take the keys that n1 offers")

    def test_an_owner_that_is_killed_costs_no_value_and_counts_none_twice(self):
        with self.cluster() as cluster:
            callers = Callers(cluster.endpoint("n1"))
            try:
                callers.go_on(100)
                for name in ("n2", "n3"):
                    cluster.kill(name)
                    cluster.wait_until_state("n1", name, "dead")
                    callers.go_on(100)
                    cluster.restart(name)
                    callers.go_on(100)
            finally:
                callers.end()
            self.assert_exact(callers, cluster.endpoint("n1"))

    def test_idempotent_calls_are_applied_once_though_their_owners_are_killed(self):
        visits = str(pathlib.Path(os.environ["BENCH_MODULE"]).with_name("visits.so"))
        with self.cluster(3, "--module", visits) as cluster:
            # The node that they know sends them again, to whichever owns the key then.
            callers = Callers(cluster.endpoint("n1"), 12, "visits/increment_again",
                              retries_left=5)
            try:
                callers.go_on(200)
                for name in ("n2", "n3", "n2"):
                    cluster.kill(name)
                    cluster.wait_until_state("n1", name, "dead")
                    callers.go_on(100)
                    cluster.restart(name)
                    callers.go_on(200)
            finally:
                callers.end()
            self.assertEqual(callers.failures, {})
            stored = self.stored(cluster.endpoint("n1"), "counters")
            for key, told in callers.told.items():
                self.assertEqual(sorted(told), list(range(1, stored[key] + 1)), key)

    def test_an_owner_that_was_stopped_answers_nothing_old(self):
        with self.cluster(2) as cluster:
            with Client(cluster.endpoint("n1")) as one, Client(cluster.endpoint("n2")) as two:
                for key in KEYS:
                    self.assertEqual(one.call("bench/increment", None, key=key.encode()).value, 1)
                    self.assertEqual(two.call("bench/peek", None, key=key.encode()).value, 1)
                cluster.pause("n2")
                cluster.wait_until_state("n1", "n2", "dead", "left")
                for key in KEYS:
                    answer = one.call("bench/increment", None, key=key.encode())
                    self.assertEqual(answer.value, 2, answer)
                # Asked while it still believes that it owns them.
                calls = [two.start("bench/peek", None, key=key.encode()) for key in KEYS]
                cluster.resume("n2")
                for call in calls:
                    answer = two.answer_to(call)
                    self.assertEqual(answer.value, 2, answer)


if __name__ == "__main__":
    unittest.main()
