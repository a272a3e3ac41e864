# SPDX-License-Identifier: Apache-2.0
"""Contestants that take turns, so that what the machine does meanwhile happens to all of them.

A shared machine is faster in one minute than in the next. All contestants run within the same few
seconds, round after round, in an order that turns with the round, and ratios are taken within the
round.
"""

from __future__ import annotations

import dataclasses
import statistics
from typing import Callable

from processes import MeasurementError
from report import Progress, Row

REQUESTS_MIN = 1000
REQUESTS_MAX = 10_000_000
OURS = "dunlin"


@dataclasses.dataclass(frozen=True)
class Contestant:
    """`run(requests)` gives the figures of a run; `requests_min` are worth a run at all."""

    run: Callable[[int], dict]
    requests_min: int
    rounds: int


def turned(names: list[str], round_index: int) -> list[str]:
    """The order of a round: nobody always runs first, nor always after the same neighbour."""
    start = round_index % len(names)
    order = names[start:] + names[:start]
    return order[::-1] if round_index % 2 else order


def requests_of(run: Callable[[int], dict], requests_min: int, seconds: float) -> int:
    """Warms both ends up with runs nobody counts, and from their pace sizes the runs that count."""
    requests = max(REQUESTS_MIN, requests_min * 4)
    for _ in range(2):
        pace_per_second = run(requests)["per_second"]
        requests = int(min(REQUESTS_MAX, max(REQUESTS_MIN, requests_min, pace_per_second * seconds / 4)))
    return min(REQUESTS_MAX, requests * 4)


def alternate(
    title: str, contestants: dict[str, Contestant], rounds: int, seconds: float, progress: Progress
) -> tuple[dict[str, dict[int, dict]], dict[str, str]]:
    """Figures of each contestant by round, and why some have failed: one that fails once is out, the others go on."""
    figures: dict[str, dict[int, dict]] = {name: {} for name in contestants}
    requests: dict[str, int] = {}
    failures: dict[str, str] = {}
    for round_index in range(-1, rounds):  # round -1 warms up
        for name in turned(list(contestants), round_index):
            contestant = contestants[name]
            if name in failures or round_index >= contestant.rounds:
                continue
            progress.show(f"{title}: round {round_index + 1} of {rounds}: {name}")
            try:
                if round_index < 0:
                    requests[name] = requests_of(contestant.run, contestant.requests_min, seconds)
                else:
                    figures[name][round_index] = contestant.run(requests[name])
            except MeasurementError as problem:
                failures[name] = str(problem)
    return figures, failures


def fill_ratio(row: Row, field: str, show: Callable[[float], str], figures: dict, peer: str) -> None:
    """Ours by the peer's, each round for itself."""
    rounds = sorted(figures[peer].keys() & figures[OURS].keys())
    ours = [figures[OURS][index][field] for index in rounds]
    theirs = [figures[peer][index][field] for index in rounds]
    if not rounds or min(theirs) <= 0:
        raise MeasurementError("no round in which both ran")
    row.values = [our / their for our, their in zip(ours, theirs)]
    row.dunlin = show(statistics.median(ours))
    row.peer = show(statistics.median(theirs))
