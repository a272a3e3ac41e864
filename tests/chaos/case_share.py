# SPDX-License-Identifier: Apache-2.0
"""Functions that share a node, and nodes that share a function's calls, when calls take long."""

import collections
import time

from account import Account, read_executions
from cluster import Cluster
from report import Row, row_at_most, row_zero, say

DOZE_US = 20_000
NAPS = 96
NAP_US = 1_000_000


def run_share(programs, directory, plan):
    return (run_busy(programs, directory / "busy", plan)
            + run_waiting(programs, directory / "waiting", plan))


def run_busy(programs, directory, plan):
    """16 calls that hold a thread for 20 ms each are always in flight; another function of 20 ms is
    called ten times a second."""
    case, seconds = "busy beside", 8 if plan.quick else 20
    with Cluster(programs, directory, count=1, options=plan.node_options()) as cluster:
        busy = cluster.load("chaos/doze", window=16, service_us=DOZE_US, seconds=seconds,
                            timeout_ms=20_000)
        time.sleep(1.0)
        quiet = cluster.load("chaos/doze_idempotent", rate=10, service_us=DOZE_US,
                             seconds=seconds - 2, timeout_ms=8000)
        quiet.await_end(seconds + 30)
        busy.await_end(seconds + 30)
    say(f"  {case}: p50 {quiet.summary['p50_ms']:.0f} ms, max {quiet.summary['max_ms']:.0f} ms; "
        f"busy one {busy.summary['calls'] / seconds:.0f}/s, max {busy.summary['max_ms']:.0f} ms")
    return [row_zero(case, "calls of the quiet function that failed",
                     [each for each, count in quiet.summary["errors"].items()
                      for _ in range(count)]),
            row_at_most(case, "its p50", quiet.summary["p50_ms"], 100, " ms"),
            row_at_most(case, "slowest call of the busy one", busy.summary["max_ms"] / 1e3, 1.0,
                        " s")]


def run_waiting(programs, directory, plan):
    """Calls of a coroutine that waits a second come to one of three nodes at once: each node runs a
    third of them, of the first such calls and of later ones."""
    case, rows = "waiting over three", []
    with Cluster(programs, directory, options=plan.node_options("--activations", 8)) as cluster:
        for number, when in enumerate(("first", "second", "third")):
            load = cluster.load("chaos/nap_idempotent", nodes=cluster.endpoints()[:1],
                                no_learn=True, window=NAPS, seconds=0.3, service_us=NAP_US,
                                timeout_ms=60_000)
            load.await_end(90)
            account = Account(load, read_executions(cluster.traces()))
            shares = collections.Counter(call.node for call in account.calls
                                         if call.outcome == "ok")
            fair = len(account.calls) / len(cluster.names)
            off = max(abs(shares[name] / fair - 1) for name in cluster.names)
            say(f"  {case} {number + 1}/3: {dict(shares)}")
            rows += [row_zero(case, f"{when} run: failed", account.failed),
                     Row(case, f"{when} run: shares off a third of {len(account.calls)}",
                         "within 20%", f"{off:.0%}: " + "/".join(
                             str(shares[name]) for name in cluster.names), off <= 0.2, timing=True)]
    return rows
