#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what the compilers we use do not: who includes whom, loops over what is gone, and how files
begin and end.

  check_layers.py [ROOT]

Includes
  - sdk <- actors <- runtime point one way; examples use the public headers, and the runtime's
    where they embed a node; nothing sees tests.
  - Public headers show the standard library and dunlin/ only.
  - CAF, ZeroMQ and msgpack are spelled only in the places listed in LIBRARIES.
  - A quoted include gives the path from the repository's top (or from sdk/src).
Loops
  - None goes over what a call's result points to, as `for (auto& x : *shared())`: until C++23 the
    result is gone before the first turn, and what it owned with it.
Tests
  - None says Catch::Matchers::Contains: Catch2 2 and 3 mean different things by it.
Files
  - The first line names the licence; a header goes on with a comment that explains it.
  - At most 500 lines. LONG_FILES may list exceptions with their length; it can only shrink.

Prints one line per finding, `file:line: what`, and exits 1 if there is any.
"""
import os
import re
import sys

ROOMS = ("sdk", "actors", "runtime", "examples", "tests")
SEES = {
    "sdk": {"sdk"},
    "actors": {"sdk", "actors"},
    "runtime": {"sdk", "actors", "runtime"},
    "examples": {"runtime", "examples"},
    "tests": {"sdk", "actors", "runtime", "examples", "tests"},
}
# Library -> the pattern of its headers, and where those may be included.
LIBRARIES = {
    "CAF": (r"caf/", r"actors/|runtime/lane/|runtime/node\.|tests/"),
    # The gate answers ZeroMQ's own questions about keys.
    "ZeroMQ": (r"zmq(_addon)?\.h", r"sdk/src/|runtime/(lane|link)/|runtime/security/gate\.|tests/"),
    "msgpack": (r"msgpack(/|\.h)", r"sdk/src/|tests/"),
}
# Beyond the standard library: result<T> is made of tl::expected until std::expected is there.
PUBLIC_EXTRA = {"tl/expected.hpp", "stddef.h", "stdint.h"}

LINES_MAX = 500
LONG_FILES = {}  # path -> number of lines it may still have

INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')
LOOP = re.compile(r"\bfor \(")
LOOP_LINES_MAX = 5  # that its head goes on for
RANGE = re.compile(r"[^;?]*[^:]:\s+([^:].*)")
TWO_MEANINGS = re.compile(r"\bMatchers::Contains\b")
OF_RESULT = re.compile(r"\*.*\)$|.*\)->")
CPP = (".hpp", ".h", ".cpp", ".c")
HEADED = CPP + (".py", ".sh", ".cmake", "CMakeLists.txt")


def room_of_quoted(root, path, target):
    """The room a quoted include leads to, or None if it is not a path from the top."""
    first = target.split("/")[0]
    if first in ROOMS:
        return first
    if os.path.exists(os.path.join(root, "sdk/src", target)):
        return "sdk"
    # Tests and examples may keep small private headers beside them.
    if path.split("/")[0] in ("tests", "examples"):
        return path.split("/")[0]
    return None


def include_findings(root, path, bracket, target):
    room = path.split("/")[0]
    if bracket == '"':
        other = room_of_quoted(root, path, target)
        if other is None:
            yield f'"{target}": give the path from the top of the repository'
        elif other not in SEES[room]:
            yield f'"{target}": {room} must not see {other}'
    for library, (headers, places) in LIBRARIES.items():
        if re.match(headers, target) and not re.match(places, path):
            yield f"<{target}>: {library} is not spelled here"
    if path.startswith("sdk/include/"):
        standard = re.fullmatch(r"[a-z_0-9]+", target)
        if bracket == '"' or not (
            standard or target.startswith("dunlin/") or target in PUBLIC_EXTRA
        ):
            yield f"{target}: public headers include only std and <dunlin/...>"


def head_finding(path, lines):
    """What is wrong with how the file begins, or None."""
    first = next((l for l in lines[:2] if not l.startswith("#!")), "")
    if "SPDX-License-Identifier: Apache-2.0" not in first:
        return "the first line must be the licence: SPDX-License-Identifier: Apache-2.0"
    if path.endswith((".hpp", ".h")):
        prose = 0
        for line in lines[1:]:
            if not re.match(r"\s*(//|\*|/\*)", line):
                break
            prose += bool(re.search(r"[A-Za-z]", line))
        if prose == 0:
            return "a header opens with a comment: the problem, the guarantee, owner, thread"
    return None


def loops_over_results(lines):
    """The numbers of the lines that begin a range-for over what a call's result points to."""
    for number, line in enumerate(lines, 1):
        loop = LOOP.search(line)
        if not loop:
            continue
        text = " ".join([line[loop.end() :], *map(str.strip, lines[number : number + LOOP_LINES_MAX])])
        depth, end = 1, 0
        while end < len(text) and depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        head = RANGE.fullmatch(text[: end - 1])
        if head and OF_RESULT.match(head[1]):
            yield number


def findings(root, paths, long_files=None):
    long_files = LONG_FILES if long_files is None else long_files
    for path in paths:
        with open(os.path.join(root, path), encoding="utf-8") as file:
            lines = file.read().split("\n")
        if lines[-1] == "":
            lines.pop()
        if not lines:
            continue
        if path.endswith(CPP):
            for number, line in enumerate(lines, 1):
                match = INCLUDE.match(line)
                if match:
                    for what in include_findings(root, path, *match.groups()):
                        yield f"{path}:{number}: {what}"
                if path.startswith("tests/") and TWO_MEANINGS.search(line.split("//")[0]):
                    yield f"{path}:{number}: say Catch::Contains, which tests/support/catch.hpp has"
            for number in loops_over_results(lines):
                yield f"{path}:{number}: goes over what is gone before the first turn; name it"
        what = head_finding(path, lines)
        if what:
            yield f"{path}:1: {what}"
        allowed = long_files.get(path, LINES_MAX)
        if len(lines) > allowed:
            yield f"{path}:{allowed + 1}: {len(lines)} lines, at most {allowed}; split it"
        elif path in long_files and len(lines) < allowed:
            yield f"{path}:1: has {len(lines)} lines now; lower its entry in LONG_FILES"


def sources(root):
    for room in ROOMS + ("cmake",):
        for folder, folders, files in os.walk(os.path.join(root, room)):
            folders[:] = sorted(f for f in folders if not f.startswith((".", "build", "__")))
            for name in sorted(files):
                if name.endswith(HEADED):
                    yield os.path.relpath(os.path.join(folder, name), root)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(here))
    paths = list(sources(root))
    found = list(findings(root, paths))
    for line in found:
        print(line)
    print(f"{len(paths)} files, {len(found)} findings")
    return 1 if found or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
