# SPDX-License-Identifier: Apache-2.0
"""Clusters to which nothing happens: one of whose nodes is slow, and one that is idle."""

import random
import time

from account import Account, quantile, read_executions
from cluster import Cluster
from report import Row, row_at_most, say

ACTIVATIONS = 4
SERVICE_US = 20_000
SLOW = {"n3": 4}
LOAD = 0.8
CALLERS = 3


def run_slow(programs, directory, plan):
    seconds = 20 if plan.quick else 60
    rows = run_slow_once(programs, directory / "fixed", "slow", seconds, plan, exponential=False)
    if not plan.quick:
        rows += run_slow_once(programs, directory / "drawn", "slow, drawn", seconds, plan,
                              exponential=True)
    return rows


def run_slow_once(programs, directory, case, seconds, plan, exponential):
    """Time of service is waiting, and a node runs few calls at once: so capacity is exact, and two
    cores are enough for three nodes."""
    capacity = sum(ACTIVATIONS / (SERVICE_US * SLOW.get(name, 1)) for name in ("n1", "n2", "n3"))
    rate = LOAD * capacity * 1e6
    options = plan.node_options("--activations", ACTIVATIONS)
    with Cluster(programs, directory, options=options, slow=SLOW) as cluster:
        more = {"exponential": True} if exponential else {}
        say(f"  {case}: {rate:.0f} calls/s for {seconds} s")
        loads = [cluster.load("chaos/nap_idempotent", nodes=cluster.endpoints(number),
                              rate=rate / CALLERS, service_us=SERVICE_US, seconds=seconds,
                              timeout_ms=30_000, **more)
                 for number in range(CALLERS)]
        for load in loads:
            load.await_end(seconds + 60)
        executions = read_executions(cluster.traces())
        accounts = [Account(load, executions) for load in loads]
        names = cluster.names
    # The first second is the nodes' time to learn how quick they are.
    begin = min(call.due for account in accounts for call in account.calls) + 1
    calls = [call for account in accounts for call in account.calls
             if call.due >= begin and call.outcome == "ok"]
    failed = sum(len(account.failed) for account in accounts)
    service_s = {name: mean([call.took_us / 1e6 for call in calls if call.node == name])
                 for name in names}
    fair = {name: ACTIVATIONS / service_s[name] if service_s[name] else 0 for name in names}
    total = sum(fair.values())
    rows, off = [], {}
    for name in names:
        share = sum(call.node == name for call in calls) / max(1, len(calls))
        off[name] = share / (fair[name] / total) - 1 if fair[name] else -1.0
        rows.append(Row(case, f"share of {name} against its capacity", "within 10%",
                        f"{off[name]:+.1%} of {fair[name] / total:.1%}", abs(off[name]) <= 0.1))
    latencies = [call.end - call.due for call in calls]
    ideal = ideal_p99_s([service_s[name] for name in names], rate, exponential)
    p99 = quantile(latencies, 0.99)
    rows.append(Row(case, "p99 against one ideal queue", "<= 3",
                    f"{p99 / ideal:.2f} ({p99 * 1e3:.0f} / {ideal * 1e3:.0f} ms)",
                    p99 <= 3 * ideal))
    rows.append(Row(case, "calls that failed", "0", f"{failed} of {len(calls) + failed}",
                    failed == 0))
    return rows


def mean(values):
    return sum(values) / len(values) if values else 0.0


def ideal_p99_s(service_s, rate, exponential, calls=40_000, runs=5):
    """The 99th percentile if all activations of all nodes served one queue, the quickest free one
    first, without any way to go; the median of several runs."""
    return quantile([ideal_once_s(service_s, rate, exponential, calls, seed)
                     for seed in range(runs)], 0.5)


def ideal_once_s(service_s, rate, exponential, calls, seed):
    draw = random.Random(seed)
    means = sorted(each for each in service_s if each for _ in range(ACTIVATIONS))
    free_at = [0.0] * len(means)
    now, latencies = 0.0, []
    for number in range(calls):
        now += draw.expovariate(rate)
        # Sorted by speed: of servers that would start it at the same time the first is quickest.
        best = min(range(len(means)), key=lambda server: max(free_at[server], now))
        took = means[best] * (draw.expovariate(1) if exponential else 1)
        free_at[best] = max(free_at[best], now) + took
        if number > calls // 20:
            latencies.append(free_at[best] - now)
    return quantile(latencies, 0.99)


def run_idle(programs, directory, plan):
    """What nodes of a cluster cost that nobody calls."""
    seconds = 20 if plan.quick else 30
    with Cluster(programs, directory, options=plan.node_options()) as cluster:
        time.sleep(2)
        began = time.monotonic()
        before = {name: node.cpu_seconds() for name, node in cluster.nodes.items()}
        say(f"  idle: {seconds} s")
        time.sleep(seconds)
        took = time.monotonic() - began
        used = {name: (node.cpu_seconds() - before[name]) / took * 100
                for name, node in cluster.nodes.items()}
    return [row_at_most("idle", f"core used by {name}", used[name], 1.0, "%") for name in used]
