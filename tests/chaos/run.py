#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks real nodes in every way a machine or a network does, and holds callers to account.

Prints progress on standard error and the table on standard output. Exit status: 0 when every target
measured is met, 1 when some are short, 2 when something could not be measured, 130 on Ctrl-C.
README.md beside this file says how each figure is taken.
"""

import argparse
import dataclasses
import pathlib
import shutil
import signal
import sys
import tempfile
import time

from callers import Plan
from case_attack import ATTACKS, run_attack
from case_behind import run_behind, run_poison
from case_deaths import run_kill, run_restart
from case_drain import run_drain
from case_oneway import run_oneway
from case_partition import run_partition
from case_pause import run_pause
from case_share import run_share
from case_state_kill import run_state_kill
from case_state_memory import run_memory
from case_state_owners import run_owner_answers, run_owner_cut, run_owner_kill, run_owner_pause
from case_state_store import run_rolling, run_store_restart
from case_steady import run_idle, run_slow
from network import NotPermitted
from processes import ChaosError, Programs
from report import Row, say, table

# name: (what to run, rounds, rounds with --quick, lanes of each node, one run for each)
BOTH, ONE = (1, 3), (1,)
CASES = {
    "kill": (run_kill, 50, 5, BOTH),
    "restart": (run_restart, 20, 2, BOTH),
    "pause": (run_pause, 9, 3, BOTH),
    "partition": (run_partition, 20, 2, ONE),
    "oneway": (run_oneway, 9, 3, BOTH),
    "behind": (run_behind, 12, 3, BOTH),
    "poison": (run_poison, 4, 2, ONE),
    "drain": (run_drain, 3, 1, BOTH),
    "share": (run_share, 1, 1, BOTH),
    "slow": (run_slow, 1, 1, ONE),
    "idle": (run_idle, 1, 1, BOTH),
    "attack": (run_attack, 1, 1, ONE),
    "state-kill": (run_state_kill, 200, 20, ONE),
    "state-owner-kill": (run_owner_kill, 25, 3, ONE),
    "state-owner-pause": (run_owner_pause, 25, 2, ONE),
    "state-owner-cut": (run_owner_cut, 25, 2, ONE),
    "state-lost-answers": (run_owner_answers, 25, 3, ONE),
    "state-store-restart": (run_store_restart, 3, 1, ONE),
    "state-rolling": (run_rolling, 3, 1, ONE),
    "state-memory": (run_memory, 1, 1, ONE),
}
# All cases of one kind.
GROUPS = {"state": [name for name in CASES if name.startswith("state-")]}


def arguments():
    parser = argparse.ArgumentParser(
        prog="chaos", description="Kill, restart, pause, partition and slow real nodes under load.")
    parser.add_argument("cases", nargs="*", metavar="CASE",
                        help=f"of {', '.join(CASES)}; {', '.join(GROUPS)}: all that begin with it; "
                             "none: all")
    parser.add_argument("--build-dir", default="build/release", metavar="DIR")
    parser.add_argument("--only", metavar="CASE,...", help="the same")
    parser.add_argument("--attacks", default="", metavar="NAME,...",
                        help=f"those of the case attack: {', '.join(ATTACKS)}")
    parser.add_argument("--lanes", type=int, metavar="N",
                        help="of each node; without it one, and most cases once more with three")
    parser.add_argument("--rounds", type=int, metavar="N", help="of each case that has rounds")
    parser.add_argument("--keys", type=int, metavar="N", default=1_000_000,
                        help="that fill the store in state-kill, one million by default")
    parser.add_argument("--hour", action="store_true", help="state-memory takes an hour")
    parser.add_argument("--quick", action="store_true", help="few rounds: a glance, not a verdict")
    parser.add_argument("--keep", metavar="DIR",
                        help="leave logs, traces and callers' files there, emptied first")
    given = parser.parse_args()
    given.cases += [name for name in (given.only or "").split(",") if name]
    given.cases = [name for case in given.cases for name in GROUPS.get(case, [case])]
    given.cases = given.cases or list(CASES)
    unknown = [name for name in given.cases if name not in CASES]
    if unknown:
        parser.error(f"no case {unknown[0]!r}; there are {', '.join(CASES)}")
    given.attacks = tuple(name for name in given.attacks.split(",") if name)
    unknown = [name for name in given.attacks if name not in ATTACKS]
    if unknown:
        parser.error(f"no attack {unknown[0]!r}; there are {', '.join(ATTACKS)}")
    if given.lanes is not None and not 1 <= given.lanes <= 64:
        parser.error("--lanes: 1 to 64")
    if given.keys < 1000:
        parser.error("--keys: at least 1000")
    if given.rounds is not None and given.rounds < 1:
        parser.error("--rounds: at least 1")
    return given


def run_case(name, lanes, programs, directory, given):
    """The rows of one case, and whether it could be measured."""
    run, rounds, rounds_quick, _ = CASES[name]
    plan = Plan(given.rounds or (rounds_quick if given.quick else rounds), given.quick,
                lanes=lanes, attacks=given.attacks, keys=given.keys, hour=given.hour)
    if lanes != 1:
        name += f", {lanes} lanes"
    say(f"== {name}")
    began = time.monotonic()
    try:
        rows = run(programs, directory / name.replace(", ", "-").replace(" ", "-"), plan)
    except NotPermitted as reason:
        say(f"  skipped: {reason}")
        return [Row(name, "skipped, no namespaces", "", str(reason)[:60], None)], True
    except ChaosError as problem:
        say(f"  {problem}")
        return [Row(name, "not measured", "", str(problem).splitlines()[0][:60], False)], False
    say(f"  took {time.monotonic() - began:.0f} s")
    if lanes != 1:
        rows = [dataclasses.replace(row, case=f"{row.case}, {lanes} lanes") for row in rows]
    return rows, True


def interrupt(*_):
    """Whoever ends this process wants its nodes and its namespaces gone, too: an impatient second
    signal must not keep it from that."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def main():
    given = arguments()
    programs = Programs.of_build(given.build_dir)
    if programs.missing():
        print(f"chaos: not built: {', '.join(programs.missing())}", file=sys.stderr)
        return 2
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, interrupt)
    directory = pathlib.Path(given.keep or tempfile.mkdtemp(prefix="dunlin-chaos-"))
    if given.keep:
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
    rows, measured, code = [], True, 0
    try:
        for name in given.cases:
            for lanes in (given.lanes,) if given.lanes else CASES[name][3]:
                found, could = run_case(name, lanes, programs, directory, given)
                rows += found
                say(table(found))
                measured = measured and could
    except KeyboardInterrupt:
        say("chaos: interrupted")
        code = 130
    finally:
        if not given.keep:
            shutil.rmtree(directory, ignore_errors=True)
    if rows:
        print(table(rows))
    short = sum(row.met is False for row in rows)
    if code:
        return code
    print(f"\n{short} of {len([r for r in rows if r.met is not None])} targets are short"
          if short else "\nevery target measured is met")
    return 2 if not measured else 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
