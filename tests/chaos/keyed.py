# SPDX-License-Identifier: Apache-2.0
"""Callers of keyed functions, and whether what they were told can have happened.

Each round has keys of its own and is judged by itself: its callers write down every call, after the
fault each key is read once more, and `dunlin_history` says whether the history of each key is
linearizable. What is not is kept, with the logs of the nodes, in a folder that is named.
"""

import json
import pathlib
import shutil
import subprocess
import tempfile

from processes import ChaosError, Load
from report import say

JUDGE_SECONDS_MAX = 300


class KeyedLoad(Load):
    """See `chaos_keyed --help`."""

    def __init__(self, cluster, nodes=None, where=None, **options):
        self.function = "tally"
        self._begin(cluster, [cluster.programs.keyed], nodes, where, options)


def keyed_load(cluster, **options):
    return cluster.keep(KeyedLoad(cluster, **options))


def look_at(cluster, prefix, keys, **options):
    """Every key is read once: what is there when everything is over."""
    look = keyed_load(cluster, work="look", key_prefix=prefix, keys=keys, **options)
    look.await_end(120)
    if look.process.returncode != 0:
        raise ChaosError(f"a key cannot be read after the fault: {look.log()[-500:]}")
    return look


class Judge:
    """Sums up what histories come to."""

    def __init__(self, programs, case):
        self._programs, self._case = programs, case
        self.bad, self.kept = [], []
        self.answered = self.unknown = self.not_run = self.keys = 0

    def judge(self, loads, directory, name):
        """One round's. Returns whether it is linearizable."""
        files = [str(load.calls_path) for load in loads]
        ran = subprocess.run([self._programs.history, *files], capture_output=True, text=True,
                             timeout=JUDGE_SECONDS_MAX, check=False)
        if ran.returncode not in (0, 1):
            raise ChaosError(f"{name}: the history cannot be judged: {ran.stderr.strip()}")
        found = json.loads(ran.stdout)
        self.answered += found["answered"]
        self.unknown += found["unknown"]
        self.not_run += found["not_run"]
        self.keys += found["keys"]
        if ran.returncode == 0:
            for each in files:
                pathlib.Path(each).unlink()
            return True
        folder = tempfile.mkdtemp(prefix=f"dunlin-chaos-failed-{self._case}-")
        for each in [*files, *map(str, pathlib.Path(directory).glob("log-*"))]:
            shutil.copy(each, folder)
        self.kept.append(folder)
        self.bad += [f"{name}: key {each['key']}: {each['why']}" for each in found["bad"]]
        say(f"  {name}: not linearizable, kept in {folder}\n{ran.stderr}")
        return False

    def total(self):
        return (f"{self.answered} acknowledged, {self.unknown} without an answer, "
                f"{self.not_run} not run, {self.keys} keys")


def read_history(loads):
    """The calls of some loads, as objects, in the order in which they ended."""
    calls = []
    for load in loads:
        with open(load.calls_path) as file:
            calls += [json.loads(line) for line in file]
    return sorted(calls, key=lambda each: each.get("ended_ns", each["called_ns"]))
