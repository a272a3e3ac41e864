# SPDX-License-Identifier: Apache-2.0
"""Nodes that end under load: killed, and replaced one after another."""

import random
import signal
import time

from account import Account, quantile, read_executions, unexplained
from processes import ChaosError, Cluster
from report import Row, row_at_most, row_zero, say

# About half of what two nodes can do, so that one may be missing.
LOAD = {"rate": 300, "service_us": 10_000, "timeout_ms": 10_000}
# A call that a caller hands to a node in this time after its end cannot know of it yet.
GRACE_S = 0.1
KNOWN_SECONDS_MAX = 10


class Callers:
    """One caller of an idempotent function, one of another, each beginning with another node."""

    def __init__(self, cluster, **options):
        settings = {**LOAD, **options}
        self.cluster = cluster
        self.safe = cluster.load("chaos/nap_idempotent", nodes=cluster.endpoints(0), **settings)
        self.once = cluster.load("chaos/nap", nodes=cluster.endpoints(1), **settings)

    def state(self):
        return f"errors so far: idempotent {self.safe.errors()}, others {self.once.errors()}"

    def accounts(self):
        for each in (self.safe, self.once):
            each.finish()
        executions = read_executions(self.cluster.traces())
        return Account(self.safe, executions), Account(self.once, executions)


def describe(account, calls, directory, name):
    """Writes the failed calls to a file for whoever looks for the cause; returns short words."""
    if calls:
        with open(directory / f"failed-{name}", "w") as file:
            for call in calls:
                print(call, account.runs(call), file=file)
            for detail, count in account.summary["details"].items():
                print(count, detail, file=file)
    return [f"{call.outcome} at {call.end:.3f}" for call in calls]


def rows_of_invariants(case, safe, once, directory):
    broken = [*safe.contradictions(), *once.contradictions()]
    failed = describe(safe, safe.failed, directory, f"{case}-idempotent")
    return [row_zero(case, "calls lost or contradicted", broken),
            row_zero(case, "idempotent calls that failed", failed),
            row_zero(case, "others executed twice",
                     [f"call {call.id}: {once.runs(call)}" for call in once.twice()])]


def run_kill(programs, directory, rounds, quick=False):
    """kill -9 of one of three, and a new start."""
    draw = random.Random(1)
    kills, known_s = [], []
    with Cluster(programs, directory) as cluster:
        callers = Callers(cluster)
        for number in range(rounds):
            # Drawn, for a caller whose node dies moves on in turn, too.
            victim = draw.choice(cluster.names)
            time.sleep(draw.uniform(0.3, 0.8))
            wall, when = time.time(), time.monotonic()
            cluster.nodes[victim].signal(signal.SIGKILL)
            kills.append(when)
            known_s.append(await_known_dead(cluster, victim, wall))
            time.sleep(0.5)
            cluster.start(victim)
            cluster.await_whole()
            say(f"  kill {number + 1}/{rounds}: {victim}, known dead after {known_s[-1]:.2f} s; "
                + callers.state())
        time.sleep(0.5)
        safe, once = callers.accounts()
    ends = [*kills[1:], kills[-1] + 30]
    stalls = [max(each.latest_within(kill, end) for each in (safe, once))
              for kill, end in zip(kills, ends)]
    gaps = [max(each.longest_gap(kill, min(end, kill + 3)) for each in (safe, once))
            for kill, end in zip(kills, [*kills[1:], kills[-1] + 0.5])]
    stray = describe(once, unexplained(once.failed, kills, GRACE_S), directory, "kill-unexplained")
    describe(once, once.failed, directory, "kill-others")
    rows = rows_of_invariants("kill", safe, once, directory)
    rows += [
        row_zero("kill", "others failed, not in flight on the victim", stray),
        Row("kill", "others failed in flight", "reported",
            f"{len(once.failed)} of {len(once.calls)} in {rounds} kills", None),
        row_at_most("kill", "slowest call of a kill, p99 of kills", quantile(stalls, 0.99), 1.5, " s"),
        row_at_most("kill", "no answer at all, p99 of kills", quantile(gaps, 0.99), 1.5, " s"),
        row_at_most("kill", "known dead everywhere, slowest", max(known_s), 1.0, " s"),
        Row("kill", "p99 latency over all", "reported",
            f"{safe.summary['p99_ms']:.0f} / {once.summary['p99_ms']:.0f} ms", None)]
    return rows


def await_known_dead(cluster, victim, since_wall_s):
    """How many seconds later the last of the others said that the node is dead."""
    limit = time.monotonic() + KNOWN_SECONDS_MAX
    while True:
        told = [node.told_at("member died", victim, since_wall_s)
                for node in cluster.others(victim)]
        if all(told):
            return max(told) - since_wall_s
        if time.monotonic() > limit:
            raise ChaosError(f"{victim} ended and is not known dead after {KNOWN_SECONDS_MAX} s")
        time.sleep(0.01)


def run_restart(programs, directory, rounds, quick=False):
    """SIGTERM to each node in turn, wait for its end, start it anew."""
    began, stops_s, codes = time.monotonic(), [], []
    with Cluster(programs, directory) as cluster:
        callers = Callers(cluster)
        for number in range(rounds):
            for name in cluster.names:
                time.sleep(0.3)
                code, took_s = cluster.nodes[name].stop()
                stops_s.append(took_s)
                if code != 0:
                    codes.append(f"{name}: {code}")
                cluster.start(name)
                cluster.await_whole()
            say(f"  restart {number + 1}/{rounds}: slowest stop {max(stops_s):.2f} s; "
                + callers.state())
        time.sleep(0.5)
        safe, once = callers.accounts()
    failed = describe(once, once.failed, directory, "restart-others")
    slowest = max(each.latest_within(began, time.monotonic()) for each in (safe, once))
    return [*rows_of_invariants("restart", safe, once, directory),
            row_zero("restart", "others that failed", failed),
            row_zero("restart", "nodes that did not end cleanly", codes),
            Row("restart", "slowest call; slowest stop", "reported",
                f"{slowest:.2f} s; {max(stops_s):.2f} s", None)]
