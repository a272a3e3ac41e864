# SPDX-License-Identifier: Apache-2.0
"""Nodes that do not run for a while, as on an overbooked machine, and come back."""

import dataclasses
import signal
import time

from account import unexplained
from callers import Callers, describe, rows_of_invariants
from cluster import Cluster
from report import Row, row_at_most, row_zero, say

# The time until all know that a node hangs; what it is given meanwhile is in flight on it.
NOTICE_S = 1.0


def run_pause(programs, directory, plan):
    fewer = dataclasses.replace(plan, rounds=max(1, plan.rounds // 3))
    return (run_short(programs, directory / "short", plan)
            + run_long(programs, directory / "long", fewer))


def pause(node, seconds):
    node.signal(signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        node.signal(signal.SIGCONT)


def run_short(programs, directory, plan):
    """Too short to be dead, and to be noticed by more than a delay."""
    case, condemned = "pause 300 ms", []
    with Cluster(programs, directory, options=plan.node_options()) as cluster:
        callers = Callers(cluster, plan)
        for number in range(plan.rounds):
            victim = cluster.names[number % len(cluster.names)]
            time.sleep(0.7)
            wall = time.time()
            pause(cluster.nodes[victim], 0.3)
            time.sleep(1.0)
            for node in cluster.others(victim):
                if node.told_at("member died", victim, wall):
                    condemned.append(f"{victim} by {node.name}")
            say(f"  {case} {number + 1}/{plan.rounds}: {victim}, declared dead "
                f"{len(condemned)} times; " + callers.state())
        safe, once = callers.accounts()
    return [*rows_of_invariants(case, safe, once, directory),
            row_zero(case, "others that failed",
                     describe(once, once.failed, directory, "pause-short-others"),
                     timing=bool(condemned)),
            row_zero(case, "declared dead", condemned, timing=True),
            Row(case, "slowest call", "reported",
                f"{max(safe.summary['max_ms'], once.summary['max_ms']):.0f} ms", None)]


def incarnation(observer, name):
    members = observer.members() or {}
    return members[name]["incarnation"] if name in members else 0


def run_long(programs, directory, plan):
    """Long enough to be given up; callers turn to others, and the node is taken back."""
    case, seconds = "pause 5 s", 5.0
    not_dead, not_higher, pauses, back_s = [], [], [], []
    with Cluster(programs, directory, options=plan.node_options()) as cluster:
        callers = Callers(cluster, plan)
        for number in range(plan.rounds):
            victim = cluster.names[number % len(cluster.names)]
            observer = cluster.others(victim)[0]
            time.sleep(0.7)
            before = incarnation(observer, victim)
            wall = time.time()
            pauses.append(time.monotonic())
            pause(cluster.nodes[victim], seconds)
            resumed = time.monotonic()
            for node in cluster.others(victim):
                told = node.told_at("member died", victim, wall)
                if told is None or told > wall + seconds:
                    not_dead.append(f"{victim} by {node.name}")
            back_s.append(cluster.await_whole())
            after = incarnation(observer, victim)
            if after <= before:
                not_higher.append(f"{victim}: {before}, then {after}")
            say(f"  {case} {number + 1}/{plan.rounds}: {victim}, incarnation {before} -> {after}, "
                f"whole again after {time.monotonic() - resumed:.2f} s; " + callers.state())
        time.sleep(0.5)
        safe, once = callers.accounts()
    stray = describe(once, unexplained(once.failed, pauses, NOTICE_S + plan.grace_s), directory,
                     "pause-long-unexplained")
    describe(once, once.failed, directory, "pause-long-others")
    return [*rows_of_invariants(case, safe, once, directory),
            row_zero(case, "others failed, not in flight on the node", stray),
            row_zero(case, "not declared dead", not_dead),
            row_zero(case, "came back without a higher incarnation", not_higher),
            row_at_most(case, "whole again", max(back_s), 3.0, " s"),
            row_at_most(case, "slowest idempotent call", safe.summary["max_ms"] / 1e3, 1.5, " s"),
            Row(case, "begun 1 s and more after their caller had its answer", "reported",
                str(len(safe.late()) + len(once.late())), None),
            Row(case, "slowest other call; failed in flight", "reported",
                f"{once.summary['max_ms'] / 1e3:.3g} s; {len(once.failed)}", None)]
