# SPDX-License-Identifier: Apache-2.0
"""The table: what was to hold, and what was seen."""

import dataclasses
import sys


@dataclasses.dataclass
class Row:
    case: str
    figure: str
    target: str
    measured: str
    met: bool | None  # None: skipped, or reported only
    timing: bool = False  # a busy machine alone may miss it
    memory: bool = False  # a sanitizer alone may miss it: its allocator keeps what it has

    @property
    def verdict(self):
        return {True: "ok", False: "short", None: "-"}[self.met]


def row_zero(case, figure, findings, timing=False):
    """`findings` are what should not be there; the first is shown."""
    text = f"{len(findings)}, as {findings[0]}" if findings else "0"
    return Row(case, figure, "0", text, not findings, timing)


def row_at_most(case, figure, value, limit, unit=""):
    return Row(case, figure, f"<= {limit:g}{unit}", f"{value:.3g}{unit}", value <= limit, timing=True)


def say(text):
    print(text, file=sys.stderr, flush=True)


def table(rows):
    cells = [("case", "what", "target", "measured", "")]
    cells += [(row.case, row.figure, row.target, row.measured, row.verdict) for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(4)]
    widths[3] = min(widths[3], 60)
    lines = ["  ".join([*map(str.ljust, row, widths), row[4]]).rstrip() for row in cells]
    return "\n".join([lines[0], "-" * max(len(line) for line in lines[:2]), *lines[1:]])
