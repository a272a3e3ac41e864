# SPDX-License-Identifier: Apache-2.0
"""A store that is restarted under load, and nodes that are, one after another."""

import time

from account import quantile
from case_state_owners import KEYS, nodes_of
from keyed import Judge, keyed_load, look_at, read_history
from store_server import Postgres
from report import Row, row_at_most, row_zero, say

NS = 1_000_000_000
QUIET_S = 5.0
DOWN_S = 1.5
# From its return until calls are as many as before, and what counts as that.
FULL_SPEED_S = 2.0
FULL_SPEED_PART = 0.8
TIMEOUT_MS = 4000
# After its deadline a client may take so long to say so.
GRACE_S = 0.5


def unwanted(calls):
    """What failed; `add_and_fail` does by design."""
    return [call for call in calls if call["code"] not in ("ok", "failed")]


def per_second(calls, begin_ns, end_ns):
    """How many were answered in each second."""
    seconds = [0] * max(1, (end_ns - begin_ns) // NS)
    for call in calls:
        if call["end"] == "ok" and 0 <= (place := (call["ended_ns"] - begin_ns) // NS) < len(seconds):
            seconds[place] += 1
    return seconds


def run_store_restart(programs, directory, plan):
    """PostgreSQL ends as in a crash and is started again, under a load that takes what it gets."""
    case, judge = "state-store-restart", Judge(programs, "state-store-restart")
    late, slow = [], []
    with (Postgres() as postgres,
          nodes_of(programs, directory, plan, postgres.url()) as cluster):
        for number in range(plan.rounds):
            keys = {"key_prefix": f"r{number}-", "keys": 512}
            load = keyed_load(cluster, window=256, timeout_ms=TIMEOUT_MS, **keys)
            time.sleep(QUIET_S)
            down_ns = time.monotonic_ns()
            postgres.stop()
            time.sleep(DOWN_S)
            postgres.start()
            up_ns = time.monotonic_ns()
            time.sleep(FULL_SPEED_S + 3.0)
            ended_ns = time.monotonic_ns()
            load.finish()
            calls = read_history([load])
            before = quantile(per_second(calls, down_ns - int((QUIET_S - 1) * NS), down_ns), 0.5)
            after = max(per_second(calls, up_ns + int(FULL_SPEED_S * NS), ended_ns))
            if after < FULL_SPEED_PART * before:
                slow.append(f"{after} of {before:.0f} calls/s")
            limit_ns = (TIMEOUT_MS / 1e3 + GRACE_S) * NS
            late += [f"call {call['id']} after {(call['ended_ns'] - call['called_ns']) / NS:.1f} s"
                     for call in calls
                     if call["end"] == "ok" and call["ended_ns"] - call["called_ns"] > limit_ns]
            judge.judge([load, look_at(cluster, keys["key_prefix"], keys["keys"])], directory, f"round {number + 1}")
            say(f"  {case} {number + 1}/{plan.rounds}: {before:.0f} calls/s before, {after} from "
                f"{FULL_SPEED_S:g} s after its return; failed {len(unwanted(calls))}; "
                + judge.total())
    return [row_zero(case, "keys whose history is not linearizable", judge.bad),
            row_zero(case, "answered after their deadline", late),
            row_zero(case, f"below {FULL_SPEED_PART:.0%} of before, {FULL_SPEED_S:g} s after its "
                     "return", slow, timing=True)]


def run_rolling(programs, directory, plan):
    """SIGTERM to each of three nodes in turn, wait for its end, start it anew, wait until all see all."""
    case, judge = "state-rolling", Judge(programs, "state-rolling")
    errors, codes, ratios = [], [], []
    with (Postgres() as postgres,
          nodes_of(programs, directory, plan, postgres.url()) as cluster):
        for number in range(plan.rounds):
            keys = {"key_prefix": f"r{number}-", "keys": 4 * KEYS}
            load = keyed_load(cluster, rate=plan.rate, window=4096, timeout_ms=10_000, **keys)
            began_ns = time.monotonic_ns()
            time.sleep(QUIET_S)
            rolling_ns = time.monotonic_ns()
            for name in cluster.names:
                code, _ = cluster.nodes[name].stop()
                if code != 0:
                    codes.append(f"{name}: {code}")
                cluster.start(name)
                cluster.await_whole()
                time.sleep(0.5)
            load.finish()
            calls = read_history([load])
            errors += [f"{call['code']} of {call['key']}: {call['why']}" for call in unwanted(calls)]
            normal_ms, worst_ms = latencies(calls, began_ns + NS, rolling_ns)
            ratios.append(worst_ms / normal_ms)
            judge.judge([load, look_at(cluster, keys["key_prefix"], keys["keys"])], directory, f"round {number + 1}")
            say(f"  {case} {number + 1}/{plan.rounds}: p99 {normal_ms:.1f} ms, of the worst second "
                f"{worst_ms:.1f} ms; errors {len(errors)}")
    return [row_zero(case, "keys whose history is not linearizable", judge.bad),
            row_zero(case, "calls that failed", errors),
            row_zero(case, "nodes that did not end cleanly", codes),
            row_at_most(case, "p99 of the worst second, over that of normal ones", max(ratios), 5.0),
            Row(case, "acknowledged", "reported", f"{judge.answered}", None)]


def latencies(calls, normal_ns, rolling_ns):
    """The median of the 99th percentiles of the seconds before, and the worst of those after, in ms.
    A call counts for the second in which it was made."""
    seconds = {}
    for call in calls:
        if call["end"] == "ok" and call["called_ns"] >= normal_ns:
            seconds.setdefault((call["called_ns"] - rolling_ns) // NS, []).append(
                (call["ended_ns"] - call["called_ns"]) / 1e6)
    p99 = {second: quantile(each, 0.99) for second, each in seconds.items()}
    normal = quantile([each for second, each in p99.items() if second < 0], 0.5)
    return normal, max(each for second, each in p99.items() if second >= 0)
