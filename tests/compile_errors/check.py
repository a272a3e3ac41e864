#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles a snippet that holds a mistake, and checks what a compiler says of it.

  check.py SNIPPET --include DIR --compiler C++ [--compiler C++ ...]

The comment on top of the snippet tells what is expected:
  // error: TEXT     stands in the first error
  // names: TEXT     stands in the first error or in what the compiler prints around it
  // absent: TEXT    stands nowhere
and a mistake has at most four errors. A snippet without `error:` has to compile without a warning.
"""
import argparse
import re
import subprocess
import sys

ERRORS_MAX = 4
# Templates on the way to the first error, and the note that names what it is about.
LINES_AROUND = 16
FLAGS = ("-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion")


def expectations(path):
    with open(path, encoding="utf-8") as file:
        comment = re.match(r"(//.*\n)+", file.read())[0]
    return {
        kind: re.findall(rf"^// {kind}: (.*)$", comment, re.MULTILINE)
        for kind in ("error", "names", "absent")
    }


def findings(expected, code, said):
    """What is not as it should be, a line each."""
    lines = said.splitlines()
    errors = [number for number, line in enumerate(lines) if re.search(r"\berror: ", line)]
    if not expected["error"]:
        if code != 0 or said:
            yield "it should compile in silence"
        return
    if code == 0 or not errors:
        yield "it compiles"
        return
    first = errors[0]
    around = "\n".join(lines[max(0, first - LINES_AROUND) : first + LINES_AROUND])
    for text in expected["error"]:
        if text not in lines[first]:
            yield f"the first error does not say: {text}"
    for text in expected["names"]:
        if text not in around:
            yield f"nothing around the first error names: {text}"
    for text in expected["absent"]:
        if text in said:
            yield f"it says: {text}"
    if len(errors) > ERRORS_MAX:
        yield f"it has {len(errors)} errors"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("snippet")
    parser.add_argument("--include", required=True)
    parser.add_argument("--compiler", action="append", required=True)
    given = parser.parse_args()

    failed = False
    for compiler in given.compiler:
        done = subprocess.run(
            [compiler, *FLAGS, "-I", given.include, given.snippet],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        found = list(findings(expectations(given.snippet), done.returncode, done.stdout))
        for finding in found:
            print(f"{compiler}: {finding}")
        if found:
            print(done.stdout)
        failed = failed or bool(found)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
