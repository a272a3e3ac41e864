# SPDX-License-Identifier: Apache-2.0
"""Owners of keys that die, hang, are cut off from each other, or lose answers of their store.

Two or three nodes share a PostgreSQL. Two callers work on the same keys, each beginning with another
node; after the fault every key is read once more, and its history has to be linearizable.
"""

import random
import signal
import time

from cluster import Cluster
from keyed import Judge, keyed_load, look_at
from network import Network
from store_server import Postgres
from processes import ChaosError
from report import Row, row_zero, say
from store_proxy import StoreProxy

SEED = 11
KEYS = 16
TIMEOUT_MS = 6000
PAUSE_S = 4.0
CUT_S = 4.0
FAULTS_A_ROUND = 5
# A write comes in this time to meet one of them, when the store is there.
FAULT_S_MAX = 5.0
# After a fault, until everybody knows of its end.
AFTER_S = 0.7


class Rounds:
    """One cluster and its rounds, each with keys of its own."""

    def __init__(self, case, programs, directory, plan):
        self.case, self.directory, self.plan = case, directory, plan
        self.judge, self.draw = Judge(programs, case), random.Random(SEED)

    def run(self, cluster, fault, wheres=(None, None), rounds=None):
        """`fault(cluster, number)` does it and waits until it is over."""
        rounds = rounds or self.plan.rounds
        for number in range(rounds):
            keys = {"key_prefix": f"r{number}-", "keys": KEYS}
            # Each caller begins with another node; together they keep some of each key in flight.
            loads = [keyed_load(cluster, nodes=cluster.endpoints(place % len(cluster.names)),
                                where=where, window=24, timeout_ms=TIMEOUT_MS,
                                again=self.plan.again, **keys)
                     for place, where in enumerate(wheres)]
            time.sleep(self.draw.uniform(0.2, 0.6))
            fault(cluster, number)
            time.sleep(AFTER_S)
            for load in loads:
                load.finish()
            look = look_at(cluster, keys["key_prefix"], KEYS, where=wheres[0])
            self.judge.judge([*loads, look], self.directory, f"round {number + 1}")
            say(f"  {self.case} {number + 1}/{rounds}: {len(self.judge.bad)} bad keys; "
                f"{self.judge.total()}")

    def rows(self):
        return [row_zero(self.case, "keys whose history is not linearizable", self.judge.bad),
                Row(self.case, "acknowledged; without an answer", "reported",
                    f"{self.judge.answered}; {self.judge.unknown} in {self.plan.rounds} rounds",
                    None)]


def nodes_of(programs, directory, plan, url, count=3, network=None):
    return Cluster(programs, directory, count=count, network=network, log_level="info",
                   modules=["--module", programs.tally],
                   options=plan.node_options("--store", url))


def run_owner_kill(programs, directory, plan):
    """kill -9 of one of three, and a new start."""
    rounds = Rounds("state-owner-kill", programs, directory, plan)

    def kill(cluster, _):
        victim = rounds.draw.choice(cluster.names)
        wall = time.time()
        cluster.nodes[victim].signal(signal.SIGKILL)
        cluster.await_known_dead(victim, wall)
        cluster.start(victim)
        cluster.await_whole()

    with (Postgres() as postgres,
          nodes_of(programs, directory, plan, postgres.url()) as cluster):
        rounds.run(cluster, kill)
    return rounds.rows()


def run_owner_pause(programs, directory, plan):
    """SIGSTOP for longer than it takes to be declared dead, and SIGCONT: an owner that believes that it
    still is one."""
    rounds = Rounds("state-owner-pause", programs, directory, plan)

    def pause(cluster, _):
        victim = rounds.draw.choice(cluster.names)
        cluster.nodes[victim].signal(signal.SIGSTOP)
        try:
            time.sleep(PAUSE_S)
        finally:
            cluster.nodes[victim].signal(signal.SIGCONT)
        cluster.await_whole()

    with (Postgres() as postgres,
          nodes_of(programs, directory, plan, postgres.url()) as cluster):
        rounds.run(cluster, pause)
    return rounds.rows()


def run_owner_cut(programs, directory, plan):
    """Nodes are cut off from each other, and reach the store all the time: two of them, or one of
    three, each with a caller on its side."""
    rounds = Rounds("state-owner-cut", programs, directory, plan)
    half = max(1, plan.rounds // 2)
    for count, number in ((2, half), (3, max(1, plan.rounds - half))):
        names = [f"n{each}" for each in range(1, count + 1)]
        with (Network([*names, "c1", "c2", "db"]) as network,
              Postgres(network, "db") as postgres,
              nodes_of(programs, directory / f"{count}-nodes", plan, postgres.url(), count,
                       network) as cluster):
            alone = [names[-1], "c2"]
            others = [*names[:-1], "c1"]

            def cut(cluster, _, network=network, alone=alone, others=others):
                network.cut(alone, others)
                try:
                    time.sleep(CUT_S)
                finally:
                    network.heal(alone)
                cluster.await_whole()

            rounds.run(cluster, cut, wheres=("c1", "c2"), rounds=number)
    return rounds.rows()


def run_owner_answers(programs, directory, plan):
    """The connection to the store ends between commit and answer, or before a write that comes there
    all the same, later."""
    rounds = Rounds("state-lost-answers", programs, directory, plan)
    unmet = []
    with Postgres() as postgres, StoreProxy(postgres.address, postgres.port) as proxy:
        def lose(_, number):
            for fault in range(FAULTS_A_ROUND):
                if (number + fault) % 2 == 0:
                    proxy.lose_answer()
                else:
                    proxy.delay_write(rounds.draw.choice((0.02, 0.2, 1.0)))
                if not proxy.await_met(FAULT_S_MAX):
                    unmet.append(f"round {number + 1}")

        with nodes_of(programs, directory, plan, postgres.url("127.0.0.1", proxy.port)) as cluster:
            rounds.run(cluster, lose)
        if proxy.lost == 0 or proxy.delayed == 0:
            raise ChaosError(f"no write met the fault in {FAULT_S_MAX:g} s, time and again")
    return [*rounds.rows(),
            Row("state-lost-answers", "answers lost; writes that came late", "reported",
                f"{proxy.lost}; {proxy.delayed}; {len(unmet)} met no write", None)]
