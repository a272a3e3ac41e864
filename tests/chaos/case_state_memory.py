# SPDX-License-Identifier: Apache-2.0
"""What values take in memory, when they are of all sizes."""

import json
import pathlib
import re
import subprocess
import time

from cluster import Cluster
from keyed import keyed_load
from processes import ChaosError
from report import Row, row_at_most, row_zero, say

MIB = 1 << 20
BUDGET = 64 * MIB
KEYS = 20_000
SECONDS, SECONDS_QUICK, SECONDS_HOUR = 60, 15, 3600
SAY_EVERY_S = 10


def spaces(cluster):
    ran = subprocess.run([cluster.programs.dunlin, "invoke", "dunlin/state", '{"do": "spaces"}',
                          "--node", cluster.nodes["n1"].endpoint],
                         capture_output=True, text=True, timeout=30, check=False)
    if ran.returncode != 0:
        raise ChaosError(f"dunlin/state: {ran.stderr.strip()}")
    return json.loads(ran.stdout)["spaces"]


def resident(node):
    status = pathlib.Path(f"/proc/{node.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) * 1024


def run_memory(programs, directory, plan):
    """Values of 16 bytes to 1 MiB replace each other in a cache that has room for few of them."""
    case = "state-memory"
    seconds = SECONDS_HOUR if plan.hour else SECONDS_QUICK if plan.quick else SECONDS
    over, bytes_max, resident_max, evicted = [], 0, 0, 0
    with Cluster(programs, directory, count=1, log_level="info",
                 modules=["--module", programs.tally],
                 options=plan.node_options("--data", str(directory / "data"),
                                           "--cache-bytes-max", str(BUDGET))) as cluster:
        node = cluster.nodes["n1"]
        before = resident(node)
        load = keyed_load(cluster, work="put", keys=KEYS, counters_only=True, window=64,
                          timeout_ms=10_000)
        began = told = time.monotonic()
        while time.monotonic() - began < seconds:
            found = spaces(cluster)
            there = sum(each["bytes_in_memory"] for each in found)
            bytes_max = max(bytes_max, there)
            resident_max = max(resident_max, resident(node))
            evicted = sum(each["evicted"] for each in found)
            for each in found:
                if each["bytes_in_memory"] > 1.05 * each["bytes_in_memory_max"]:
                    over.append(f"{each['space']}: {each['bytes_in_memory']} of "
                                f"{each['bytes_in_memory_max']}")
            if time.monotonic() - told >= SAY_EVERY_S:
                told = time.monotonic()
                say(f"  {case} {told - began:.0f} of {seconds} s: {there / MIB:.1f} MiB in memory, "
                    f"{resident_max / MIB:.0f} MiB resident, {evicted} keys evicted")
        summary = load.finish()
    if evicted == 0:
        raise ChaosError("no value had to leave: the load says nothing of the budget")
    budget = max(each["bytes_in_memory_max"] for each in found)
    return [row_zero(case, "times that a space took more than its budget plus 5 %", over),
            row_at_most(case, "values in memory, largest, of a space's budget",
                        bytes_max / budget, 1.05),
            Row(case, "values set; evicted; resident before and at most", "reported",
                f"{summary['ok']}; {evicted}; {before / MIB:.0f}, {resident_max / MIB:.0f} MiB",
                None)]
