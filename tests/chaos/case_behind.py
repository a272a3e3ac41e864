# SPDX-License-Identifier: Apache-2.0
"""Nodes that die behind the one by which calls enter, and calls that kill the node they run on."""

import random
import signal
import time

from account import Account, read_executions
from callers import LOAD, describe
from cluster import Cluster
from report import Row, row_zero, say


def run_behind(programs, directory, plan):
    """Callers that know one node, and learn of no other, as `dunlin invoke` did."""
    draw = random.Random(2)
    with Cluster(programs, directory, options=plan.node_options()) as cluster:
        entry = cluster.endpoints()[:1]
        loads = {name: cluster.load(f"chaos/{name}_idempotent", nodes=entry, no_learn=True, **LOAD,
                                    rate=plan.rate) for name in ("nap", "relay")}
        for number in range(plan.rounds):
            victim = draw.choice(cluster.names[1:])
            time.sleep(draw.uniform(0.3, 0.8))
            wall = time.time()
            cluster.nodes[victim].signal(signal.SIGKILL)
            cluster.await_known_dead(victim, wall)
            time.sleep(0.3)
            cluster.start(victim)
            cluster.await_whole()
            say(f"  behind {number + 1}/{plan.rounds}: {victim}; errors so far "
                f"{[load.errors() for load in loads.values()]}")
        for load in loads.values():
            load.finish()
        executions = read_executions(cluster.traces())
    rows, broken = [], []
    for name, load in loads.items():
        account = Account(load, executions)
        broken += account.contradictions()
        what = "called" if name == "nap" else "called by a function"
        rows.append(row_zero("behind", f"idempotent, {what}: failed of {len(account.calls)}",
                             describe(account, account.failed, directory, f"behind-{name}")))
    return [row_zero("behind", "calls lost or contradicted", broken), *rows]


def run_poison(programs, directory, plan):
    """One call ends each process that runs it. It may take two nodes with it, not four."""
    died, told, unclear = [], [], []
    for number in range(plan.rounds):
        more = {"no_learn": True} if number % 2 else {}
        with Cluster(programs, directory / str(number), count=4,
                     options=plan.node_options()) as cluster:
            # A good start, so that the caller has retries to spend.
            warm = cluster.load("chaos/mark_idempotent", nodes=cluster.endpoints(), rate=300,
                                seconds=0.7, **more)
            warm.await_end(30)
            load = cluster.load("chaos/poison_idempotent", nodes=cluster.endpoints(), window=1,
                                calls_max=1, timeout_ms=5000, **more)
            load.await_end(30)
            ended = [name for name, node in cluster.nodes.items() if not node.running()]
            if len(ended) > 2:
                died.append(f"round {number + 1}: {ended}")
            details = list(load.summary["details"])
            told += details
            unclear += [each for each in details if not each]
            say(f"  poison {number + 1}/{plan.rounds}: {ended} ended; {details}")
    return [row_zero("poison", "rounds in which more than two nodes ended", died),
            row_zero("poison", "errors that say nothing", unclear),
            Row("poison", "what callers were told", "reported", told[0][:60] if told else "-",
                None)]
