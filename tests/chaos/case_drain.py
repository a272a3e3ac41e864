# SPDX-License-Identifier: Apache-2.0
"""Nodes that are taken out while calls wait in their queues, and all nodes at once."""

import subprocess
import threading
import time

from account import Account, read_executions
from callers import describe
from cluster import Cluster
from report import Row, row_zero, say

ACTIVATIONS = 4
WINDOW = 3 * ACTIVATIONS  # of which two thirds wait
LONG_US = 6_000_000
DRAIN_TIMEOUT_S = 1


def drain(cluster, name, timeout="20s"):
    """The verb, from the node itself: its exit code and what it complained of."""
    ran = subprocess.run(
        [cluster.programs.dunlin, "drain", name, "--node", cluster.nodes[name].endpoint,
         "--timeout", timeout], capture_output=True, text=True, timeout=60, check=False)
    return ran.returncode, ran.stderr.strip()


def run_drain(programs, directory, plan):
    return (run_waiting(programs, directory / "waiting", plan)
            + run_steady(programs, directory / "steady", plan)
            + run_all_at_once(programs, directory / "all", plan))


def run_waiting(programs, directory, plan):
    """A node's time to drain ends while calls wait in its queue. Those never began: their callers
    are told so, and one who knows of another node has them run there, also when the function may
    run once only."""
    case = "drain, calls wait"
    never_ran, untold, twice, broken, stops = [], [], [], [], []
    waited = 0

    def stop_under_load(cluster, nodes, window, comes_back=()):
        load = cluster.load("chaos/nap", nodes=nodes, window=window, seconds=0.5,
                            service_us=LONG_US, timeout_ms=60_000)
        time.sleep(1.0)  # the queue fills
        for name in comes_back:
            cluster.start(name)
            cluster.await_whole()
        stops.append(cluster.nodes["n1"].stop()[0])
        load.await_end(60)
        account = Account(load, read_executions(cluster.traces()))
        twice.extend(call.id for call in account.twice())
        broken.extend(account.contradictions())
        return account, [call for call in account.failed if not account.runs(call)]

    for number in range(plan.rounds):
        options = plan.node_options("--activations", ACTIVATIONS, "--drain-timeout",
                                    f"{DRAIN_TIMEOUT_S}s")
        with Cluster(programs, directory / f"{number}-both", count=2, options=options) as cluster:
            account, lost = stop_under_load(cluster, cluster.endpoints(), 2 * WINDOW)
        moved = sum(len(account.runs(call)) == 1 and account.runs(call)[0][2] == "n2"
                    for call in account.calls)
        waited += max(0, moved - WINDOW)
        never_ran += describe(account, lost, directory, f"waiting-{number}")
        say(f"  {case} {number + 1}/{plan.rounds}: {len(account.calls)} calls, "
            f"{len(account.failed)} failed, {len(lost)} of them never ran; n2 ran {moved}")

        # A client that knows one node keeps no call for another.
        with Cluster(programs, directory / f"{number}-one", count=2, options=options) as cluster:
            stops.append(cluster.nodes["n2"].stop()[0])
            account, lost = stop_under_load(cluster, cluster.endpoints()[:1], WINDOW, ["n2"])
        untold += describe(account, [call for call in lost if not call.did_not_run], directory,
                           f"untold-{number}")
    return [row_zero(case, "calls lost or contradicted", broken),
            row_zero(case, "failed and never ran", never_ran),
            row_zero(case, "never ran, told otherwise", untold),
            row_zero(case, "executed twice", twice),
            row_zero(case, "nodes that did not end cleanly", [code for code in stops if code]),
            Row(case, "moved to the other node", "> 0", str(waited), waited > 0)]


def run_steady(programs, directory, plan):
    """Node after node is drained by the verb under load, and starts anew."""
    case, codes = "drain, one by one", []
    with Cluster(programs, directory, options=plan.node_options()) as cluster:
        loads = [cluster.load(f"chaos/{kind}", nodes=cluster.endpoints(place), service_us=10_000,
                              timeout_ms=10_000, rate=plan.rate, **more)
                 for kind, place, more in (("nap", 0, {}), ("nap_idempotent", 1, {}),
                                           ("nap", 2, {"no_learn": True}))]
        for number in range(plan.rounds):
            for name in cluster.names:
                time.sleep(0.3)
                code, why = drain(cluster, name)
                if code:
                    codes.append(f"{name}: {code} {why}")
                cluster.start(name)
                cluster.await_whole()
            say(f"  {case} {number + 1}/{plan.rounds}: errors so far "
                f"{[load.errors() for load in loads]}")
        for load in loads:
            load.finish()
        executions = read_executions(cluster.traces())
    accounts = [Account(load, executions) for load in loads]
    failed = [each for place, account in enumerate(accounts)
              for each in describe(account, account.failed, directory, f"steady-{place}")]
    return [row_zero(case, "calls lost or contradicted",
                     [each for account in accounts for each in account.contradictions()]),
            row_zero(case, "calls that failed, of "
                     + str(sum(len(account.calls) for account in accounts)), failed),
            row_zero(case, "drains that failed", codes)]


def run_all_at_once(programs, directory, plan):
    """All nodes are asked to leave in one moment: one at least refuses, and serves on."""
    case, gone, failed = "drain, all at once", [], []
    for number in range(plan.rounds):
        with Cluster(programs, directory / str(number), options=plan.node_options()) as cluster:
            load = cluster.load("chaos/nap_idempotent", nodes=cluster.endpoints(), rate=plan.rate,
                                service_us=10_000, timeout_ms=10_000)
            time.sleep(0.5)
            told = {}
            threads = [threading.Thread(target=lambda name=name: told.update(
                {name: drain(cluster, name)})) for name in cluster.names]
            for each in threads:
                each.start()
            for each in threads:
                each.join()
            time.sleep(0.5)
            left = [name for name, node in cluster.nodes.items() if node.running()]
            if not left:
                gone.append(f"round {number + 1}: {told}")
            summary = load.finish()
            failed += [f"round {number + 1}: {code}" for code, count in summary["errors"].items()
                       for _ in range(count)]
            say(f"  {case} {number + 1}/{plan.rounds}: {len(left)} left; "
                f"{ {name: code for name, (code, _) in told.items()} }; "
                f"errors {summary['errors']}")
    return [row_zero(case, "clusters that were gone", gone),
            row_zero(case, "idempotent calls that failed", failed)]
