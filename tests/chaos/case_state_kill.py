# SPDX-License-Identifier: Apache-2.0
"""kill -9 of a node that keeps its state by itself, at random moments of a load."""

import pathlib
import random
import signal
import sys
import time

from cluster import Cluster
from keyed import Judge, keyed_load, look_at
from processes import ChaosError
from report import Row, row_at_most, row_zero, say

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cluster"))

from python_client import Client  # noqa: E402

SEED = 7
KEYS = 16
LASTING_KEYS = 8
FILL_SECONDS_MAX = 600


def first_reply(cluster, keys, draw):
    """Starts the node and asks for a key of those that fill the store. Returns how long that took."""
    began = time.monotonic()
    node = cluster.start("n1")
    key = f"f-c{draw.randrange(keys)}"
    with Client(node.endpoint) as client:
        answer = client.call("tally/count", {"id": 0, "key": key, "bytes": 0}, key=key.encode())
    took_s = time.monotonic() - began
    if answer.code is not None or answer.value["count"] != 1:
        raise ChaosError(f"key {key} was stored before the kill and is not there: {answer}")
    return took_s


def run_state_kill(programs, directory, plan):
    """Beside keys that are new in each round some are written through all of them."""
    case, draw = "state-kill", random.Random(SEED)
    judge, restarts_s = Judge(programs, case), []
    with Cluster(programs, directory, count=1, log_level="info",
                 modules=["--module", programs.tally],
                 options=plan.node_options("--data", str(directory / "data"))) as cluster:
        began = time.monotonic()
        fill = keyed_load(cluster, work="fill", key_prefix="f-", keys=plan.keys,
                          counters_only=True, window=1024, timeout_ms=60_000)
        summary = fill.await_end(FILL_SECONDS_MAX)
        if summary["ok"] != plan.keys:
            raise ChaosError(f"the store could not be filled: {summary}")
        fill.calls_path.unlink()
        say(f"  {plan.keys} keys stored in {time.monotonic() - began:.1f} s; seed {SEED}")
        lasting = keyed_load(cluster, key_prefix="all-", keys=LASTING_KEYS, counters_only=True,
                             rate=200, window=32, timeout_ms=2000)
        for number in range(plan.rounds):
            name = f"round {number + 1}"
            keys = {"key_prefix": f"r{number}-", "keys": KEYS}
            load = keyed_load(cluster, window=draw.choice((8, 64, 512)), timeout_ms=5000, **keys)
            time.sleep(draw.uniform(0.0, 0.5))
            cluster.nodes["n1"].signal(signal.SIGKILL)
            cluster.nodes["n1"].process.wait()
            load.signal(signal.SIGTERM)
            restarts_s.append(first_reply(cluster, plan.keys, draw))
            load.await_end(60)
            good = judge.judge([load, look_at(cluster, keys["key_prefix"], KEYS)], directory, name)
            if (number + 1) % max(1, plan.rounds // 20) == 0 or not good:
                say(f"  kill {number + 1}/{plan.rounds}: {len(judge.bad)} bad keys; slowest first "
                    f"reply {max(restarts_s):.2f} s; {judge.total()}")
        lasting.finish()
        judge.judge([lasting, look_at(cluster, "all-", LASTING_KEYS, counters_only=True)],
                    directory, "all rounds")
    return [row_zero(case, "keys whose history is not linearizable", judge.bad),
            Row(case, "acknowledged; without an answer", "reported",
                f"{judge.answered}; {judge.unknown} in {plan.rounds} kills", None),
            row_at_most(case, f"first reply, {plan.keys} keys in the store, slowest",
                        max(restarts_s), 1.0, " s")]
