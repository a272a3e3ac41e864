# SPDX-License-Identifier: Apache-2.0
"""Hostile and broken peers, one kind after another, beside a client that only wants its answers.

Each attack is a process of its own (attacks.py) against nodes of its own. What the nodes may weigh
meanwhile is what their documented limits add up to for it, and a tenth more.
"""

import dataclasses
import json
import pathlib
import subprocess
import sys
import time

from cluster import Cluster
from keys import Keys
from network import NotPermitted
from processes import ChaosError
from report import Row, say

PROGRAM = pathlib.Path(__file__).resolve().parent / "attacks.py"
ATTACK_GRACE_S = 60
# A client calls once a millisecond, and is to be answered.
HEALTHY = {"rate": 1000, "timeout_ms": 5000}
HEALTHY_P99_MS_MAX = 100
CORE_AFTER_PERCENT_MAX = 1.5
QUIET_AFTER_S = 10
# What a node that has become quiet may keep of what it had.
KEPT_MIB_MAX = 64

# MiB, the defaults of docs/configuration.md and sdk/WIRE.md.
CALLS = 512        # pools.queue_bytes_max: calls without an answer, replies, and what is not read yet
REPLIES = 64       # limits.backlog_bytes_max: answers that one connection does not read
ALL_REPLIES = 256  # limits.replies_bytes_max: ... that all of them do not
FRAME = 17         # one largest frame
PEERS = 100        # some ten thousand connections
MEMBERS = 256      # 65,536 members, the most there may be


@dataclasses.dataclass
class Attack:
    """One kind, and what it may cost."""

    name: str
    extra_mib: float
    plain: bool = True
    keyed: bool = False
    nodes: int = 1
    seconds: float = 5
    # The table of what is to hold says that the client shares a core with it, or its queue.
    shares: bool = False
    # Descriptors that the node has; 0: as many as this machine gives.
    descriptors: int = 0
    # Share of a core that the node may use meanwhile; 0: as it comes.
    busy_percent_max: float = 0

    def kinds(self):
        return [keyed for keyed, wanted in ((False, self.plain), (True, self.keyed)) if wanted]


ATTACKS = {each.name: each for each in (
    Attack("random_bytes", CALLS),
    Attack("other_protocols", PEERS),
    Attack("slow_handshakes", PEERS),
    Attack("strangers", PEERS, plain=False, keyed=True),
    Attack("large_frames", CALLS + REPLIES),
    Attack("frames_of_calls", CALLS + REPLIES),
    Attack("unread_hellos", CALLS + 4 * REPLIES, keyed=True, seconds=8),
    Attack("flood_and_close", CALLS + 2 * REPLIES, keyed=True, seconds=10),
    # Half of it, and what comes between two looks.
    Attack("endless_parts", CALLS, keyed=True),
    # Parts of 20 bytes take 64 in memory; see docs/security.md.
    Attack("small_parts", 3 * CALLS / 2),
    Attack("non_readers", REPLIES + 2 * FRAME),
    # Calls, and half as much that is not read yet.
    Attack("non_readers_50", 1.5 * CALLS + ALL_REPLIES, seconds=8),
    Attack("non_readers_150", 1.5 * CALLS + ALL_REPLIES, seconds=8),
    Attack("unread_byes", REPLIES + 2 * FRAME, seconds=8),
    Attack("claims", PEERS, keyed=True),
    Attack("connect_call_close", PEERS),
    # Ten thousand peers of some 30 KiB.
    Attack("mass_close", 3 * PEERS, nodes=3, seconds=15),
    Attack("no_descriptors", PEERS, descriptors=1024, busy_percent_max=50),
    Attack("heavy_naps", CALLS + 2 * FRAME, plain=False, keyed=True, shares=True),
    Attack("naps", 2 * PEERS, plain=False, keyed=True),
    Attack("spins", PEERS, plain=False, keyed=True, shares=True),
    Attack("fake_members_1000", MEMBERS, nodes=3, seconds=8),
    Attack("fake_members_60000", MEMBERS, nodes=3, seconds=8),
    Attack("fake_members_subscribers", MEMBERS, nodes=3, seconds=8),
    Attack("expulsion", PEERS, nodes=3),
)}

QUICK = ("random_bytes", "flood_and_close", "unread_byes", "claims", "endless_parts", "mass_close",
         "expulsion")


def run_attack(programs, directory, plan):
    chosen = plan.attacks or (QUICK if plan.quick else list(ATTACKS))
    rows, aborts, made = [], [], 0
    for name in chosen:
        attack = ATTACKS[name]
        for keyed in attack.kinds():
            if plan.quick and keyed and attack.plain:
                continue
            made += 1
            label = name + (" K" if keyed else "")
            try:
                found, ended = run_one(programs, directory / label.replace(" ", "-"), attack, keyed,
                                       plan)
            except NotPermitted as reason:
                rows.append(Row(label, "skipped", "", str(reason)[:60], None))
                continue
            rows += found
            aborts += ended
            say(f"  {label}: " + "; ".join(f"{row.figure} {row.measured}" for row in found))
    return [Row("attack", "nodes that ended", "0",
                f"{len(aborts)}, as {aborts[0]}" if aborts else f"0 in {made} attacks", not aborts),
            *rows]


def resident_mib(pid):
    """Now, and the most there has been."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    kib = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith("Vm")}
    return kib["VmRSS"] / 1024, kib["VmHWM"] / 1024


def run_one(programs, directory, attack, keyed, plan):
    """The rows of one attack, and the nodes that ended by it."""
    directory.mkdir(parents=True, exist_ok=True)
    keys = Keys(programs, directory / "keys") if keyed else None
    wrap = (["prlimit", f"--nofile={attack.descriptors}:{attack.descriptors}"]
            if attack.descriptors else [])
    label = attack.name + (" K" if keyed else "")
    with Cluster(programs, directory, count=attack.nodes, keys=keys, wrap=wrap, log_level="info",
                 modules=[programs.bench], options=plan.node_options()) as cluster:
        victim = cluster.nodes["n1"]
        before, _ = resident_mib(victim.pid)
        more = {"no_learn": True} if attack.nodes > 1 else {}
        healthy = cluster.load("chaos/mark_idempotent", nodes=cluster.endpoints()[:1], **HEALTHY,
                               **more)
        began, wall, used = time.monotonic(), time.time(), victim.cpu_seconds()
        done = make(attack, keyed, cluster, keys, plan)
        busy = 100 * (victim.cpu_seconds() - used) / (time.monotonic() - began) \
            if victim.running() else 0
        ended = [f"{name} in {label}: {node.process.poll()}, {last_words(node)}"
                 for name, node in cluster.nodes.items() if not node.running()]
        summary = healthy.finish()
        if ended:
            return [Row(label, "the node ended", "no", str(done), False)], ended
        quiet_after, core = await_quiet(victim, 2.0 if plan.quick else QUIET_AFTER_S)
        after, peak = resident_mib(victim.pid)
        rows = [healthy_row(label, attack, summary, done),
                Row(label, "resident before, peak, after",
                    f"<= {before + 1.1 * attack.extra_mib:.0f} MiB",
                    f"{before:.0f}, {peak:.0f}, {after:.0f} MiB",
                    peak <= before + 1.1 * attack.extra_mib, memory=True),
                Row(label, "kept when quiet", f"<= {KEPT_MIB_MAX} MiB", f"{after - before:.0f} MiB",
                    after - before <= KEPT_MIB_MAX, timing=True),
                Row(label, f"core used {quiet_after:.0f} s after", f"<= {CORE_AFTER_PERCENT_MAX}%",
                    f"{core:.2f}%", core <= CORE_AFTER_PERCENT_MAX, timing=True)]
        if attack.busy_percent_max:
            rows.append(Row(label, "core used meanwhile", f"<= {attack.busy_percent_max}%",
                            f"{busy:.0f}%", busy <= attack.busy_percent_max, timing=True))
        if attack.nodes > 1:
            rows += membership_rows(label, cluster, wall)
        rows.append(Row(label, "lines logged", "reported",
                        str(sum(node.log().count("\n") for node in cluster.nodes.values())), None))
    return rows, ended


def make(attack, keyed, cluster, keys, plan):
    """Runs the attack to its end; what it did."""
    endpoints = cluster.endpoints()
    words = [sys.executable, "-B", PROGRAM, attack.name, endpoints[0], "--cluster", cluster.name,
             "--seconds", min(attack.seconds, plan.attack_seconds_max),
             *(keys.of_client() if keyed else []),
             *(["--other", endpoints[1]] if attack.nodes > 1 else [])]
    try:
        ran = subprocess.run([str(word) for word in words], capture_output=True, text=True,
                             timeout=attack.seconds + ATTACK_GRACE_S, check=False)
    except subprocess.TimeoutExpired:
        raise ChaosError(f"{attack.name} did not end {ATTACK_GRACE_S} s after its time") from None
    if ran.returncode != 0 and all(node.running() for node in cluster.nodes.values()):
        raise ChaosError(f"{attack.name} could not be made: {ran.stderr[-1000:]}")
    return json.loads(ran.stdout) if ran.returncode == 0 else {}


def last_words(node):
    return (node.log().strip().splitlines() or ["no word"])[-1][-200:]


def healthy_row(label, attack, summary, done):
    failed = sum(summary["errors"].values())
    good = failed == 0 and summary["p99_ms"] < HEALTHY_P99_MS_MAX
    told = ", ".join(f"{value} {what}" for what, value in done.items())
    return Row(label, f"healthy client's p99 beside {told}",
               "reported, shares a core" if attack.shares else f"< {HEALTHY_P99_MS_MAX} ms, all",
               f"{summary['p99_ms']:.1f} ms (max {summary['max_ms']:.0f}), failed {failed} of "
               f"{summary['calls']}", None if attack.shares else good, timing=True)


def await_quiet(node, first_look_s):
    """The share of a core, in per cent, that the node uses ten seconds after, or as soon as it is
    quiet before that if the first look comes earlier; and when that was."""
    began = time.monotonic()
    time.sleep(first_look_s - 2.0)
    while True:
        used = node.cpu_seconds()
        time.sleep(2.0)
        core = (node.cpu_seconds() - used) / 2.0 * 100
        at = time.monotonic() - began
        if core <= CORE_AFTER_PERCENT_MAX or at >= QUIET_AFTER_S:
            return at, core


def membership_rows(label, cluster, wall):
    """Nobody who lives is declared dead for good, and all see all in the end."""
    died = [f"{name} by {node.name}" for name in cluster.names for node in cluster.others(name)
            if node.told_at("member died", name, wall)]
    try:
        whole = f"{cluster.await_whole():.1f} s"
    except ChaosError as problem:
        whole = str(problem)[:60]
    return [Row(label, "living members declared dead", "0",
                f"{len(died)}, as {died[0]}" if died else "0", not died, timing=True),
            Row(label, "all see all", "yes", whole, whole.endswith(" s"))]
