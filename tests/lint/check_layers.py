#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what the compilers we use do not: who includes whom, loops over what is gone, and how files
begin and end.

  check_layers.py [--classes] [ROOT]

--classes prints the table of the classes in the rooms of COUNTED_ROOMS instead.

Includes
  - sdk <- actors <- runtime point one way; examples use the public headers, and the runtime's
    where they embed a node; nothing sees tests.
  - Public headers show the standard library and dunlin/ only.
  - CAF, ZeroMQ and msgpack are spelled only in the places listed in LIBRARIES.
  - A quoted include gives the path from the repository's top (or from sdk/src).
  - Inside runtime they point down the FLOORS, and aside as BESIDE says; no folders include each
    other in a circle. UPWARD may list exceptions; it can only shrink.
Loops
  - None goes over what a call's result points to, as `for (auto& x : *shared())`: until C++23 the
    result is gone before the first turn, and what it owned with it.
Tests
  - None says Catch::Matchers::Contains: Catch2 2 and 3 mean different things by it.
Files
  - The first line names the licence; a header goes on with a comment that explains it.
  - At most 500 lines, and 200 for a header in NARROW_ROOMS. LONG_FILES and LONG_HEADERS may list
    exceptions with their length; they can only shrink.
Classes
  - At most 30 data members and 40 methods, see class_shapes.py for how they are counted.
    LARGE_CLASSES may list exceptions with a reason; it can only shrink.

Prints one line per finding, `file:line: what`, and exits 1 if there is any.
"""
import collections
import os
import re
import sys

import class_shapes

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
    "RocksDB": (r"rocksdb/", r"runtime/store/|tests/"),
    "libpq": (r"libpq", r"runtime/store/|tests/"),
}
# Beyond the standard library: result<T> is made of tl::expected until std::expected is there.
PUBLIC_EXTRA = {"tl/expected.hpp", "stddef.h", "stdint.h"}

# From the top down: a floor includes itself, those below it, and what is BESIDE them.
FLOORS = ("program", "node", "lane", "router", "cluster", "link", "calls")
# Parts beside and below the floors, with what each may include of the others and of the floors.
BESIDE = {
    "base": {"text"},
    "text": set(),
    "membership": {"base", "text"},
    # The gate counts as a lane does.
    "security": {"base", "text", "calls"},
    "config": {"base", "text"},
    "rehearsal": {"base", "text"},
    "store": {"base", "text"},
    # A module sees the SDK alone.
    "modules": set(),
}
# Files at runtime's top that any floor may include; the others are the floor `node`.
BASE_FILES = {
    "function_registry",
    "heap_trim",
    "listen_rule",
    "log",
    "node_config",
    "said_once",
}
# Folders whose headers are one public surface, split for its reader's sake.
ONE_FOLDER = ("sdk/include",)
# File -> what it still includes against the floors; it can only shrink.
UPWARD = {}

LINES_MAX = 500
LONG_FILES = {}  # path -> number of lines it may still have
NARROW_ROOMS = ("runtime/lane/", "runtime/link/", "runtime/router/", "runtime/calls/", "sdk/src/client/")
HEADER_LINES_MAX = 200
# Path -> number of lines it may still have, and why.
LONG_HEADERS = {}
COUNTED_ROOMS = ("runtime/", "actors/", "sdk/src/")
MEMBERS_MAX = 30
METHODS_MAX = 40
# Path and class -> members and methods that it may still have, and why.
LARGE_CLASSES = {
    "runtime/link/peer_link.hpp peer_link": (36, 8, "load, health and frames of one link"),
    "runtime/membership/swim.hpp swim": (27, 70, "one protocol: its messages share all its state"),
}

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


def target_of(root, bracket, target):
    """The path from the top of an included file of ours, or None."""
    for top in ("sdk/include",) if bracket == "<" else ("", "sdk/src"):
        path = os.path.join(top, target)
        if os.path.exists(os.path.join(root, path)):
            return path
    return None


def part_of(path):
    """The floor or part of runtime that a file belongs to, or None."""
    room, _, rest = path.partition("/")
    if room != "runtime" or not rest:
        return None
    folder, _, below = rest.partition("/")
    if below:
        return folder
    return "base" if folder.split(".")[0] in BASE_FILES else "node"


def may_include(part, other):
    if part == other or part not in FLOORS:
        return part == other or other in BESIDE.get(part, ())
    return other not in FLOORS or FLOORS.index(part) < FLOORS.index(other)


def floor_findings(path, target, upward):
    """`target` is what `path` includes, from the top."""
    part, other = part_of(path), part_of(target)
    if part is None or other is None or target in upward.get(path, ()):
        return
    for unknown in {part, other} - set(FLOORS) - set(BESIDE):
        yield f'"{target}": {unknown} is neither in FLOORS nor BESIDE them'
        return
    if not may_include(part, other):
        yield f'"{target}": {part} must not see {other}'


def folder_of(path):
    """What counts as one folder in the graph of folders."""
    for one in ONE_FOLDER:
        if path.startswith(one + "/"):
            return one
    folder = os.path.dirname(path)
    return f"runtime ({part_of(path)})" if folder == "runtime" else folder


def circles(edges):
    """The groups of folders that reach each other. `edges`: folder -> set of folders."""
    reached = {}
    for start in edges:
        seen, ahead = set(), list(edges[start])
        while ahead:
            folder = ahead.pop()
            if folder not in seen:
                seen.add(folder)
                ahead.extend(edges.get(folder, ()))
        reached[start] = seen
    groups = {
        tuple(sorted(b for b in seen if a in reached.get(b, ())))
        for a, seen in reached.items()
        if a in seen
    }
    return sorted(groups)


def circle_findings(root, paths, upward=None):
    """Circles between folders, and exceptions that are none any more; over the whole tree."""
    upward = UPWARD if upward is None else upward
    edges, example, left = collections.defaultdict(set), {}, {k: set(v) for k, v in upward.items()}
    for path in paths:
        if not path.endswith(CPP) or path.split("/")[0] not in ("sdk", "actors", "runtime"):
            continue
        for number, bracket, target in includes_of(root, path):
            target = target_of(root, bracket, target)
            if target is None:
                continue
            if target in upward.get(path, ()):
                left[path].discard(target)
                continue
            a, b = folder_of(path), folder_of(target)
            if a != b:
                edges[a].add(b)
                example.setdefault((a, b), f'{path}:{number} "{target}"')
    for group in circles(edges):
        ways = [example[a, b] for a in group for b in group if (a, b) in example]
        yield f"{ways[0].split()[0]}: folders in a circle: {', '.join(group)}: {'; '.join(ways)}"
    for path, targets in sorted(left.items()):
        for target in sorted(targets):
            yield f"{path}:1: does not include {target} any more; take it out of UPWARD"


def includes_of(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            match = INCLUDE.match(line)
            if match:
                yield number, *match.groups()


def shapes_of(root, paths):
    """(path, class, members, methods) of the classes in COUNTED_ROOMS, largest first."""
    found = []
    for path in paths:
        if path.endswith(CPP) and path.startswith(COUNTED_ROOMS):
            with open(os.path.join(root, path), encoding="utf-8") as file:
                for shape in class_shapes.shapes(file.read()):
                    found.append((path, *shape))
    return sorted(found, key=lambda of: (-of[2] - of[3], of))


def class_findings(root, paths, large=None):
    large = LARGE_CLASSES if large is None else large
    left = dict(large)
    for path, name, members, methods in shapes_of(root, paths):
        what = f"{path}:1: {name} has {members} members and {methods} methods"
        most = left.pop(f"{path} {name}", None)
        if most is None:
            if members > MEMBERS_MAX or methods > METHODS_MAX:
                yield f"{what}, at most {MEMBERS_MAX} and {METHODS_MAX}; split it"
        elif members > most[0] or methods > most[1]:
            yield f"{what}, at most {most[0]} and {most[1]}; split it"
        elif members <= MEMBERS_MAX and methods <= METHODS_MAX:
            yield f"{what} now; take it out of LARGE_CLASSES"
        elif (members, methods) != most[:2]:
            yield f"{what} now; lower its entry in LARGE_CLASSES"
    for gone in left:
        yield f"{gone.split()[0]}:1: {gone.split()[1]} is gone; take it out of LARGE_CLASSES"


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


def length_finding(path, count, long_files, long_headers):
    allowed, listed = LINES_MAX, path in long_files
    if listed:
        allowed = long_files[path]
    elif path.startswith(NARROW_ROOMS) and path.endswith(".hpp"):
        listed = path in long_headers
        allowed = long_headers[path][0] if listed else HEADER_LINES_MAX
    if count > allowed:
        return f"{path}:{allowed + 1}: {count} lines, at most {allowed}; split it"
    if listed and count < allowed:
        return f"{path}:1: has {count} lines now; lower its entry among the long ones"
    return None


def findings(root, paths, long_files=None, long_headers=None, upward=None):
    long_files = LONG_FILES if long_files is None else long_files
    long_headers = LONG_HEADERS if long_headers is None else long_headers
    upward = UPWARD if upward is None else upward
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
                    for what in floor_findings(path, match[2], upward):
                        yield f"{path}:{number}: {what}"
                if path.startswith("tests/") and TWO_MEANINGS.search(line.split("//")[0]):
                    yield f"{path}:{number}: say Catch::Contains, which tests/support/catch.hpp has"
            for number in loops_over_results(lines):
                yield f"{path}:{number}: goes over what is gone before the first turn; name it"
        what = head_finding(path, lines)
        if what:
            yield f"{path}:1: {what}"
        what = length_finding(path, len(lines), long_files, long_headers)
        if what:
            yield what


def sources(root):
    for room in ROOMS + ("cmake",):
        for folder, folders, files in os.walk(os.path.join(root, room)):
            folders[:] = sorted(f for f in folders if not f.startswith((".", "build", "__")))
            for name in sorted(files):
                if name.endswith(HEADED):
                    yield os.path.relpath(os.path.join(folder, name), root)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    arguments = [each for each in sys.argv[1:] if each != "--classes"]
    root = arguments[0] if arguments else os.path.dirname(os.path.dirname(here))
    paths = list(sources(root))
    if "--classes" in sys.argv[1:]:
        print(f"{'members':>7} {'methods':>7}  class")
        for path, name, members, methods in shapes_of(root, paths):
            print(f"{members:7} {methods:7}  {name}  {path}")
        return 0
    found = list(findings(root, paths))
    found += circle_findings(root, paths)
    found += class_findings(root, paths)
    for line in found:
        print(line)
    print(f"{len(paths)} files, {len(found)} findings")
    return 1 if found or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
