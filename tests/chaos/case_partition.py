# SPDX-License-Identifier: Apache-2.0
"""Two nodes are cut off from the third, in both directions and in silence, for ten seconds."""

import time

from account import Account, read_executions, unexplained
from callers import LOAD, describe
from cluster import Cluster
from network import Network
from report import Row, row_at_most, row_zero, say

CUT_SECONDS = 10.0
# The time in which both sides may find out, and answer with errors what crossed the cut.
NOTICE_S = 2.0
HEAL_S = 3.0
MAJORITY, MINORITY = ["n1", "n2", "c1"], ["n3", "c2"]


def run_partition(programs, directory, plan):
    """A caller on each side knows all nodes, of each kind of function."""
    cuts, heals, healed_s = [], [], []
    with (Network(["n1", "n2", "n3", "c1", "c2"]) as network,
          Cluster(programs, directory, network=network,
                  options=plan.node_options()) as cluster):
        loads = {}
        for where, first in (("c1", 0), ("c2", 2)):
            for kind in ("nap_idempotent", "nap"):
                loads[where, kind] = cluster.load(f"chaos/{kind}", where=where,
                                                  nodes=cluster.endpoints(first),
                                                  **{**LOAD, "rate": plan.rate / 3})
        for number in range(plan.rounds):
            time.sleep(1.0)
            cuts.append(time.monotonic())
            network.cut(MINORITY, MAJORITY)
            time.sleep(CUT_SECONDS)
            network.heal(MINORITY)
            heals.append(time.monotonic())
            healed_s.append(cluster.await_whole())
            errors = sum(load.errors() for load in loads.values())
            say(f"  partition {number + 1}/{plan.rounds}: whole again after {healed_s[-1]:.2f} s; "
                f"errors so far: {errors}")
        time.sleep(1.0)
        for load in loads.values():
            load.finish()
        executions = read_executions(cluster.traces())
    rows, broken, twice, stray = [], [], [], []
    for (where, kind), load in loads.items():
        account = Account(load, executions)
        side = "two nodes" if where == "c1" else "one node"
        broken += account.contradictions()
        if kind == "nap":
            twice += [call.id for call in account.twice()]
        describe(account, account.failed, directory, f"partition-{where}-{kind}")
        during = [call for call in account.calls if any(
            cut + NOTICE_S <= call.due <= heal for cut, heal in zip(cuts, heals))]
        bad = [call for call in during if call.outcome != "ok"]
        name = "idempotent" if kind == "nap_idempotent" else "others"
        rows.append(Row("partition", f"side of {side}: failed of those begun in it, {name}", "0",
                        f"{len(bad)} of {len(during)}", not bad and bool(during)))
        spans = [*cuts, *heals]
        stray += describe(account, unexplained(account.failed, spans, NOTICE_S), directory,
                          f"partition-{where}-{kind}-unexplained")
        if kind == "nap_idempotent":
            rows.append(row_zero("partition", f"side of {side}: idempotent that failed at all",
                                 [call.outcome for call in account.failed]))
    return [row_zero("partition", "calls lost or contradicted", broken),
            row_zero("partition", "others executed twice", twice),
            *rows,
            row_zero("partition", "failed and not in flight at a cut or its end", stray),
            row_at_most("partition", f"whole again, slowest of {plan.rounds}", max(healed_s),
                        HEAL_S, " s")]
