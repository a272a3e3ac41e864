# SPDX-License-Identifier: Apache-2.0
"""The load that every fault is judged by, and what has to hold whatever the fault is."""

import dataclasses

from account import Account, read_executions
from report import row_zero

LOAD = {"service_us": 10_000, "timeout_ms": 10_000}


@dataclasses.dataclass
class Plan:
    """How a case is run."""

    rounds: int
    quick: bool = False
    # Calls per second of each caller: so few that a node may be missing.
    rate: int = 300
    # A call that a caller hands to a node in this time after its end cannot know of it yet.
    grace_s: float = 0.1
    # Of each node.
    lanes: int = 1
    # Those of case_attack.py that are made; none: all, or the quick ones.
    attacks: tuple = ()
    attack_seconds_max: float = 15.0
    # Of the cases of state: keys that fill the store, writes that clients may repeat (of a hundred:
    # two owners may each apply such a one, docs/state.md), and whether memory is looked at for an hour.
    keys: int = 1_000_000
    again: int = 0
    hour: bool = False

    def node_options(self, *more):
        return ["--lanes", self.lanes, *more]


class Callers:
    """One caller of an idempotent function, one of another, each beginning with another node."""

    def __init__(self, cluster, plan):
        settings = {**LOAD, "rate": plan.rate}
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
    return [f"{call.outcome} at {call.end:.3f} ({call.detail})" for call in calls]


def rows_of_invariants(case, safe, once, directory):
    broken = [*safe.contradictions(), *once.contradictions()]
    failed = describe(safe, safe.failed, directory, f"{case}-idempotent")
    return [row_zero(case, "calls lost or contradicted", broken),
            row_zero(case, "idempotent calls that failed", failed),
            row_zero(case, "others executed twice",
                     [f"call {call.id}: {once.runs(call)}" for call in once.twice()])]
