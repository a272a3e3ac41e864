# SPDX-License-Identifier: Apache-2.0
"""What callers were told, held against what nodes have run.

A caller's file has a line for each call that ended, a node's trace one for each execution, written
before the function does anything else. Both survive whoever wrote them.
"""

import collections

Call = collections.namedtuple("Call", "id due start end outcome did_not_run node took_us detail")


def read_calls(path):
    """The calls of one caller, in the order in which they ended. Times in seconds."""
    calls = []
    with open(path) as file:
        for line in file:
            words = line.rstrip("\n").split(" ", 8)
            calls.append(Call(int(words[0]), int(words[1]) / 1e6, int(words[2]) / 1e6,
                              int(words[3]) / 1e6, words[4], words[5] == "1", words[6],
                              int(words[7]), words[8]))
    return calls


def read_executions(paths):
    """Call id -> the executions of that call, each (when, attempt, node)."""
    executions = collections.defaultdict(list)
    for path in paths:
        with open(path) as file:
            for line in file:
                words = line.split()
                if len(words) == 4:  # the last line of a process that was killed may be torn
                    executions[int(words[0])].append((int(words[2]) / 1e6, int(words[1]), words[3]))
    return executions


class Account:
    """One caller's calls, and what of them ran where."""

    def __init__(self, load, executions):
        self.summary = load.summary
        self.calls = read_calls(load.calls_path)
        self._executions = executions

    def runs(self, call):
        return self._executions.get(call.id, [])

    @property
    def failed(self):
        return [call for call in self.calls if call.outcome != "ok"]

    def twice(self):
        """Calls that were executed more than once."""
        return [call for call in self.calls if len(self.runs(call)) > 1]

    def late(self, seconds=1.0):
        """Executions that began so long after their caller had its answer: of calls that lay in a
        buffer meanwhile."""
        return [(call.id, when - call.end) for call in self.calls
                for when, _, _ in self.runs(call) if when > call.end + seconds]

    def contradictions(self):
        """What must not be, whatever dies: calls without an answer, with two, answered without
        having run, or run although the answer said that they did not. Sentences."""
        found = []
        if self.summary["unanswered"]:
            found.append(f"{self.summary['unanswered']} calls without an answer")
        ids = collections.Counter(call.id for call in self.calls)
        doubles = [each for each, count in ids.items() if count > 1]
        if doubles:
            found.append(f"{len(doubles)} calls with several answers, as {doubles[0]}")
        if len(ids) + self.summary["unanswered"] != self.summary["calls"]:
            found.append(f"{self.summary['calls']} calls, but {len(ids)} answers")
        unrun = [call for call in self.calls if call.outcome == "ok" and not self.runs(call)]
        if unrun:
            found.append(f"{len(unrun)} calls answered that never ran, as {unrun[0].id}")
        denied = [call for call in self.failed if call.did_not_run and self.runs(call)]
        if denied:
            found.append(f"{len(denied)} calls ran whose error says that they did not, as "
                         f"{denied[0].id}")
        return found

    def latest_within(self, begin, end):
        """The longest latency, in seconds, of the calls that were under way in that time."""
        return max((call.end - call.due for call in self.calls
                    if call.end >= begin and call.due <= end), default=0.0)

    def longest_gap(self, begin, end):
        """The longest time without a successful call within a stretch of time."""
        last, longest = begin, 0.0
        for call in self.calls:
            if call.outcome == "ok" and begin <= call.end <= end:
                longest = max(longest, call.end - last)
                last = call.end
        return max(longest, end - last)


def unexplained(calls, moments, grace):
    """Those of the failed calls that no fault explains: one came while the call was under way, or
    at most `grace` seconds before it started, when nobody could know yet."""
    return [call for call in calls
            if not any(call.start - grace <= moment <= call.end for moment in moments)]


def quantile(values, part):
    ordered = sorted(values)
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
