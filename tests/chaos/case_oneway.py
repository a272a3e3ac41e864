# SPDX-License-Identifier: Apache-2.0
"""One link of three is cut, in one direction or in both, while a third node sees both ends.

Membership stays whole, as the third node answers for both. So the link itself has to notice.
"""

import time

from account import Account, read_executions
from callers import describe
from cluster import Cluster
from network import Network
from report import Row, row_at_most, row_zero, say

CUT_SECONDS = 6.0
# Less than a transport needs to find out by itself.
LOAD = {"service_us": 10_000, "timeout_ms": 5_000}


def run_oneway(programs, directory, plan):
    """Callers enter by n1, and learn no members, or do; both kinds of function."""
    slowest, late = 0.0, 0
    with (Network(["n1", "n2", "n3", "c1"]) as network,
          Cluster(programs, directory, network=network,
                  options=plan.node_options()) as cluster):
        entry = cluster.endpoints()[:1]
        loads = {
            "through n1, idempotent": cluster.load("chaos/nap_idempotent", nodes=entry,
                                                   no_learn=True, **LOAD, rate=plan.rate / 3),
            "called by a function, idempotent": cluster.load(
                "chaos/relay_idempotent", nodes=entry, no_learn=True, **LOAD, rate=plan.rate / 3),
            "learning, idempotent": cluster.load("chaos/nap_idempotent", nodes=entry, **LOAD,
                                                 rate=plan.rate / 3),
            "through n1, others": cluster.load("chaos/nap", nodes=entry, no_learn=True, **LOAD,
                                               rate=plan.rate / 3)}
        for number in range(plan.rounds):
            kinds = (("n1", "n2"), ("n2", "n1"), None)
            ways = kinds[number % len(kinds)]
            time.sleep(1.0)
            for source, target in [ways] if ways else kinds[:2]:
                network.cut_one_way(source, target)
            time.sleep(CUT_SECONDS)
            network.heal(["n1", "n2"])
            cluster.await_whole()
            say(f"  oneway {number + 1}/{plan.rounds}: "
                + (" to ".join(ways) if ways else "both ways") + "; errors so far: "
                + ", ".join(f"{name} {load.errors()}" for name, load in loads.items()))
        time.sleep(1.0)
        for load in loads.values():
            load.finish()
        executions = read_executions(cluster.traces())
    broken, rows = [], []
    for name, load in loads.items():
        account = Account(load, executions)
        broken += account.contradictions()
        told = describe(account, account.failed, directory, "oneway-" + name.replace(" ", "-"))
        if name.endswith("idempotent"):
            rows.append(row_zero("oneway", f"{name}: failed", told))
            slowest = max(slowest, account.summary["max_ms"] / 1e3)
        else:
            rows.append(row_zero("oneway", "others executed twice",
                                 [call.id for call in account.twice()]))
            rows.append(Row("oneway", f"{name}: failed", "reported",
                            f"{len(told)} of {len(account.calls)}", None))
        late += len(account.late())
    return [row_zero("oneway", "calls lost or contradicted", broken), *rows,
            row_at_most("oneway", "slowest idempotent call", slowest, 3.0, " s"),
            Row("oneway", "begun 1 s and more after their caller had its answer", "reported",
                str(late), None)]
