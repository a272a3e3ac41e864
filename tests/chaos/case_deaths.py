# SPDX-License-Identifier: Apache-2.0
"""Nodes that end under load: killed, and replaced one after another."""

import random
import signal
import time

from account import quantile, unexplained
from callers import Callers, describe, rows_of_invariants
from cluster import Cluster
from report import Row, row_at_most, row_zero, say


def run_kill(programs, directory, plan):
    """kill -9 of one of three, and a new start."""
    draw = random.Random(1)
    kills, known_s = [], []
    with Cluster(programs, directory, options=plan.node_options()) as cluster:
        callers = Callers(cluster, plan)
        for number in range(plan.rounds):
            # Drawn, for a caller whose node dies moves on in turn, too.
            victim = draw.choice(cluster.names)
            time.sleep(draw.uniform(0.3, 0.8))
            wall, when = time.time(), time.monotonic()
            cluster.nodes[victim].signal(signal.SIGKILL)
            kills.append(when)
            known_s.append(cluster.await_known_dead(victim, wall))
            time.sleep(0.5)
            cluster.start(victim)
            cluster.await_whole()
            say(f"  kill {number + 1}/{plan.rounds}: {victim}, known dead after "
                f"{known_s[-1]:.2f} s; " + callers.state())
        time.sleep(0.5)
        safe, once = callers.accounts()
    ends = [*kills[1:], kills[-1] + 30]
    stalls = [max(each.latest_within(kill, end) for each in (safe, once))
              for kill, end in zip(kills, ends)]
    gaps = [max(each.longest_gap(kill, min(end, kill + 3)) for each in (safe, once))
            for kill, end in zip(kills, [*kills[1:], kills[-1] + 0.5])]
    stray = describe(once, unexplained(once.failed, kills, plan.grace_s), directory,
                     "kill-unexplained")
    describe(once, once.failed, directory, "kill-others")
    rows = rows_of_invariants("kill", safe, once, directory)
    rows += [
        row_zero("kill", "others failed, not in flight on the victim", stray),
        Row("kill", "others failed in flight", "reported",
            f"{len(once.failed)} of {len(once.calls)} in {plan.rounds} kills", None),
        row_at_most("kill", "slowest call of a kill, p99 of kills", quantile(stalls, 0.99), 1.5,
                    " s"),
        row_at_most("kill", "no answer at all, p99 of kills", quantile(gaps, 0.99), 1.5, " s"),
        row_at_most("kill", "known dead everywhere, slowest", max(known_s), 1.0, " s"),
        Row("kill", "p99 latency over all", "reported",
            f"{safe.summary['p99_ms']:.0f} / {once.summary['p99_ms']:.0f} ms", None)]
    return rows


def run_restart(programs, directory, plan):
    """SIGTERM to each node in turn, wait for its end, start it anew."""
    began, stops_s, codes = time.monotonic(), [], []
    with Cluster(programs, directory, options=plan.node_options()) as cluster:
        callers = Callers(cluster, plan)
        for number in range(plan.rounds):
            for name in cluster.names:
                time.sleep(0.3)
                code, took_s = cluster.nodes[name].stop()
                stops_s.append(took_s)
                if code != 0:
                    codes.append(f"{name}: {code}")
                cluster.start(name)
                cluster.await_whole()
            say(f"  restart {number + 1}/{plan.rounds}: slowest stop {max(stops_s):.2f} s; "
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
