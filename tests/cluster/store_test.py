# SPDX-License-Identifier: Apache-2.0
"""Nodes that share a PostgreSQL: what they say of it, what they refuse, and what a restart of the server
costs. See programs.py and postgres.py for what the environment has to name."""

import json
import os
import signal
import tempfile
import threading
import time
import unittest

from postgres import Postgres
from programs import WAIT_SECONDS_MAX, Cluster, Node, Process, ProgramTest, dunlin, wait_until
from python_client import REPLY, Client

SPACE = "bench.counters"
PASSWORD = "hush-hush"


def setUpModule():
    StoreTest.server = Postgres()


def tearDownModule():
    StoreTest.server.close()


class StoreTest(ProgramTest):
    server = None
    databases = 0

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def database(self):
        """Gives its name and URL."""
        StoreTest.databases += 1
        name = f"test_{StoreTest.databases}"
        return name, self.server.database(name)

    def increment(self, node, key):
        return dunlin("invoke", "bench/increment", "null", "--key", key, "--node", node.endpoint)

    def refusal(self, *arguments, environment=None):
        """What a node that does not start says, in one line."""
        with Process("node", "--listen", "tcp://127.0.0.1:0", "--module", os.environ["BENCH_MODULE"],
                     *arguments, env={**os.environ, **(environment or {})}) as node:
            self.assertEqual(node.rest(), "")
            self.assertNotEqual(node.wait(), 0)
            said = node.log()
        self.assertEqual(said.count("\n"), 1, said)
        self.assertTrue(said.startswith("dunlin: "), said)
        self.assertNotIn(PASSWORD, said)
        return said

    def spaces(self, node):
        told = dunlin("state", "spaces", "--node", node.endpoint, "--json")
        self.assert_exit(told, 0)
        return json.loads(told.stdout)

    def test_nodes_that_share_a_store_share_its_values(self):
        _, url = self.database()
        with Cluster(2, "--store", url) as cluster:
            for node in cluster.nodes.values():
                self.assertIn(f" state={url}", node.ready)
            keys = [f"k{number}" for number in range(12)]
            for key in keys:
                for expected, node in enumerate(cluster.nodes.values(), 1):
                    ran = self.increment(node, key)
                    self.assert_exit(ran, 0)
                    self.assertEqual(int(ran.stdout), expected)
            turns = 0
            for node in cluster.nodes.values():
                told = self.spaces(node)
                self.assertIn("PostgreSQL at", told["store"])
                [space] = told["spaces"]
                [counted] = node.stats()["state"]["spaces"]
                for field in ("space", "mode", "keys_in_memory", "turns", "found", "missed", "reads",
                              "evicted", "commits", "conflicts", "batches", "batches_failed",
                              "waiting", "refused", "gate_p50_us", "gate_p99_us"):
                    self.assertEqual(space[field], counted[field], field)
                self.assertIsNone(space["refused"])
                self.assertGreater(space["gate_p99_us"], 0)
                turns += space["turns"]
                store = node.stats()["state"]["store"]
                self.assertTrue(store["shared"])
                self.assertFalse(store["fails"])
                # The nodes renew their leases there, too.
                self.assertGreaterEqual(store["values_written"], space["commits"])
            self.assertEqual(turns, 24)
            self.assertNotEqual(turns, self.spaces(cluster.nodes["n1"])["spaces"][0]["turns"])
            top = dunlin("top", "--once", "--json", "--node", cluster.endpoint("n1"))
            self.assert_exit(top, 0)
            [space] = json.loads(top.stdout)["spaces"]
            self.assertEqual((space["space"], space["nodes"], space["keys_in_memory"]),
                             (SPACE, 2, len(keys)))
        # Another cluster of that name finds them.
        with Node("--store", url) as node:
            self.assertEqual(int(self.increment(node, keys[0]).stdout), 3)

    def test_a_password_is_shown_nowhere(self):
        name, _ = self.database()
        self.server.sql(f"create role guarded login password '{PASSWORD}';"
                        "create schema dunlin authorization guarded", name)
        bare = f"postgres://guarded@/{name}?host={self.server.folder}"
        given = bare.replace("guarded@", f"guarded:{PASSWORD}@")
        config = os.path.join(self.folder, "node.toml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f'[state]\nstore = "{given}"\n')
        for arguments, environment in ((("--store", given), {}), (("--config", config), {}),
                                       (("--store", f"{bare}&password={PASSWORD}"), {}),
                                       (("--store", bare), {"PGPASSWORD": PASSWORD})):
            with Node(*arguments, "--log-level", "trace",
                      env={**os.environ, **environment}) as node:
                self.assertIn(f" state={bare}", node.ready)
                self.assert_exit(self.increment(node, "k"), 0)
                said = [node.ready, json.dumps(node.stats()), json.dumps(self.spaces(node)),
                        dunlin("explain", "--json", "--node", node.endpoint).stdout,
                        dunlin("nodes", "--json", "--node", node.endpoint).stdout]
                node.signal(signal.SIGTERM)
                node.wait()
                said.append(node.log())
                for each in said:
                    self.assertNotIn(PASSWORD, each)
        self.assertIn("wants a password for user guarded", self.refusal("--store", bare))
        wrong = bare.replace("guarded@", "guarded:wrong@")
        self.assertIn("does not take the password of user guarded",
                      self.refusal("--store", wrong))

    def test_what_cannot_be_a_store_is_refused_at_the_start(self):
        name, url = self.database()
        self.assertIn("the URL of the store cannot be read (it does not begin with postgres://)",
                      self.refusal("--store", f"mysql://u:{PASSWORD}@db/shop"))
        self.assertIn("the URL of the store cannot be read",
                      self.refusal("--store", f"host=db password={PASSWORD}"))
        self.assertIn("is given two places for its state",
                      self.refusal("--store", url, "--data", os.path.join(self.folder, "data")))
        missing = self.refusal("--store", self.server.url("nowhere"))
        self.assertIn('database "nowhere" does not exist', missing)
        self.assertIn("make it (create database)", missing)
        self.assertIn("see that a server runs there",
                      self.refusal("--store", f"postgres://u:{PASSWORD}@/d?host={self.folder}"))
        self.server.sql("create role guest login")
        guest = self.refusal("--store", self.server.url(name, "guest"))
        self.assertIn("user guest may not do that", guest)
        self.assertIn(f'grant create on database "{name}" to "guest"', guest)
        with Node("--store", url):
            pass
        self.assertIn("it has the state of cluster dunlin, and this node is of cluster other",
                      self.refusal("--store", url, "--cluster", "other"))
        self.server.sql("update dunlin.format set format = format + 97", name)
        self.assertIn("made by a newer version of Dunlin", self.refusal("--store", url))
        self.server.sql("update dunlin.format set format = format - 97;"
                        "alter table dunlin.state add column note text", name)
        self.assertIn("somebody has changed its tables", self.refusal("--store", url))

    def test_a_table_that_is_changed_while_it_is_used_fails_calls_with_the_reason(self):
        name, url = self.database()
        with Node("--store", url) as node:
            self.assert_exit(self.increment(node, "k"), 0)
            self.server.sql("alter table dunlin.state rename column version to v", name)
            failed = self.increment(node, "other")
            self.assert_complaint(failed, 1, "unavailable", "somebody has changed its tables")
            self.assertTrue(node.stats()["state"]["store"]["fails"])
            self.server.sql("alter table dunlin.state rename column v to version", name)
            wait_until(lambda: self.increment(node, "other").returncode == 0, "the store is back")
            self.assertFalse(node.stats()["state"]["store"]["fails"])
            told = dunlin("explain", "bench/increment", "--node", node.endpoint).stdout
            self.assertIn("lost the store of bench/increment: the store failed at", told)
            self.assertIn("has the store of bench/increment again", told)
            self.assertEqual(node.log().count("the store fails; calls that need it fail"), 1)
            self.assertEqual(node.log().count("the store answers again"), 1)

    def test_a_node_without_the_store_does_not_stop_those_that_share_it(self):
        _, url = self.database()
        with Cluster(2, "--store", url) as cluster:
            with Node("--name", "n3", "--join", cluster.endpoint("n1"), cwd=self.folder) as lost:
                cluster.wait_until_state("n1", "n3", "alive")
                wait_until(lambda: "nodes n1, n2" in
                           (self.spaces(lost)["spaces"][0]["refused"] or ""), "n3 refuses")
                sentence = self.spaces(lost)["spaces"][0]["refused"]
                self.assertIn(f"space {SPACE} is served by node n3 from RocksDB in ./dunlin-data and "
                              "by nodes n1, n2 from other stores", sentence)
                self.assertIn("start node n3 with their --store", sentence)
                wait_until(lambda: "calls that work with a space are refused on this node"
                           in lost.log(), "n3 says so")
                outcomes = {True: 0, False: 0}
                for number in range(30):
                    ran = self.increment(cluster.nodes["n1"], f"k{number}")
                    outcomes[ran.returncode == 0] += 1
                    if ran.returncode != 0:
                        self.assertIn(sentence, ran.stderr)
                # Some keys are n3's, and others are not.
                self.assertGreater(outcomes[True], 0)
                self.assertGreater(outcomes[False], 0)
                # All of them: activations come and go between slow calls.
                told = dunlin("explain", "bench/increment", "--limit", "1000",
                              "--node", lost.endpoint).stdout
                self.assertIn("n3 stopped taking calls of bench/increment", told)
                top = dunlin("top", "--once", "--node", lost.endpoint)
                self.assertIn("refused by 1", top.stdout)
                for node in cluster.nodes.values():
                    self.assertIsNone(self.spaces(node)["spaces"][0]["refused"])
                for name in ("n1", "n2"):
                    cluster.kill(name)
                # What counts is in the store of the others, also while they are away.
                wait_until(lambda: json.loads(dunlin("nodes", "--json", "--node",
                                                     lost.endpoint).stdout)[0]["name"] == "n3",
                           "n3 is alone")
                self.assert_complaint(self.increment(lost, "k0"), 1, "unavailable",
                                      "start node n3 with their --store")
            self.assertFalse(os.path.exists(os.path.join(self.folder, "dunlin-data")))

    def test_stores_of_their_own_or_different_ones_are_refused_at_both(self):
        pairs = (("--data", [os.path.join(self.folder, name) for name in "ab"],
                  "load the modules that have that space on one node"),
                 ("--store", [self.database()[1] for _ in range(2)],
                  "give all of them the same --store"))
        for option, places, advice in pairs:
            with Node("--name", "a", option, places[0]) as first, \
                    Node("--name", "b", option, places[1], "--join", first.endpoint) as second:
                for node, own, other in ((first, "a", "b"), (second, "b", "a")):
                    wait_until(lambda which=node: self.spaces(which)["spaces"][0]["refused"],
                               f"{own} refuses")
                    failed = dunlin("invoke", "bench/increment", "null", "--key", "k",
                                    "--node", node.endpoint)
                    self.assert_complaint(failed, 1, "unavailable", advice)
                    self.assertIn(f"is served by node {own} from",
                                  self.spaces(node)["spaces"][0]["refused"])
                    self.assertIn(f"by node {other} from another store",
                                  self.spaces(node)["spaces"][0]["refused"])
                    wait_until(lambda which=node: "are refused on this node" in which.log(),
                               f"{own} says so")


class Load:
    """Increments a key again and again, and keeps count. `told` is notified of each answer."""

    def __init__(self, endpoint, key, told):
        self.key = key
        self._told = told
        self.acknowledged = 0
        self.unknown = 0  # it may have been stored, or not
        self.failures = 0
        self.last_success = 0.0
        self.wrong = None
        self._ends = threading.Event()
        self._client = Client(endpoint, timeout_s=30.0)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        try:
            while not self._ends.is_set():
                answer = self._client.call("bench/increment", key=self.key, remaining_us=5_000_000)
                with self._told:
                    if answer.kind == REPLY:
                        self.acknowledged += 1
                        self.last_success = time.monotonic()
                    else:
                        self.failures += 1
                        self.unknown += 0 if answer.did_not_run else 1
                    self._told.notify_all()
        except Exception as why:  # told by the test, which asks for it
            self.wrong = why

    def end(self):
        self._ends.set()
        self._thread.join()
        self._client.close()


class RestartTest(ProgramTest):
    def test_a_server_that_is_restarted_under_load_loses_nothing(self):
        told = threading.Condition()
        with Postgres() as server, Cluster(2, "--store", server.url()) as cluster:
            loads = [Load(cluster.endpoint(f"n{number % 2 + 1}"), b"k%d" % number, told)
                     for number in range(8)]

            def until(holds, what):
                with told:
                    self.assertTrue(told.wait_for(holds, WAIT_SECONDS_MAX),
                                    (what, [each.wrong for each in loads]))

            def total():
                return sum(each.acknowledged for each in loads)

            def time_of(count):
                began, before = time.monotonic(), total()
                until(lambda: total() >= before + count, f"{count} calls")
                return time.monotonic() - began

            try:
                time_of(200)  # all are under way, and connected
                usual = time_of(1000)
                for how in (signal.SIGINT, signal.SIGQUIT):
                    failures = [each.failures for each in loads]
                    server.stop(how)
                    until(lambda before=failures: all(each.failures > count for each, count
                                                      in zip(loads, before)), "calls fail")
                    server.start()
                    back = time.monotonic()
                    until(lambda since=back: all(each.last_success > since for each in loads),
                          "calls of each key succeed again")
                    # The machine may have other things to do: a thousand calls told how slow it is.
                    self.assertLess(time.monotonic() - back, 2.0 + usual)
                    self.assertLess(time_of(1000), usual * 4 + 2.0)
            finally:
                for each in loads:
                    each.end()
            for each in loads:
                self.assertIsNone(each.wrong)
                with Client(cluster.endpoint("n1")) as client:
                    stored = client.call("bench/increment", key=each.key).value - 1
                self.assertLessEqual(each.acknowledged, stored)
                self.assertLessEqual(stored, each.acknowledged + each.unknown)
            for node in cluster.nodes.values():
                self.assertEqual(node.log().count("the store fails; calls that need it fail"),
                                 node.log().count("the store answers again"))


if __name__ == "__main__":
    unittest.main()
