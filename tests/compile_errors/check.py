#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles a snippet that holds a mistake, and checks what a compiler says of it.

  check.py CASE --include DIR --compiler C++ [--compiler C++ ...]

CASE is a section of mistakes.txt, `== CASE`, which begins with what is expected:
  error: TEXT     stands in the first error
  names: TEXT     stands in the first error or in what the compiler prints around it
  absent: TEXT    stands nowhere
  only: CONDITION the preprocessor's, of the compilers that say it; others compile it in silence
and a mistake has at most four errors. Or it is a file, which has to compile without a warning.
"""
import argparse
import os
import re
import subprocess
import sys

ERRORS_MAX = 4
# Templates on the way to the first error, and the note that names what it is about.
LINES_AROUND = 16
FLAGS = ("-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion")

HEADERS = ("dunlin/function.hpp", "chrono", "coroutine", "mutex", "string", "vector")
PROLOGUE = "".join(f"#include <{each}>\n" for each in HEADERS) + (
    "struct numbered {\n    int id = 0;\n    DUNLIN_FIELDS(id)\n};\n"
)
CLIENT = "#include <dunlin/client.hpp>\n"  # where it is used: it takes a while to compile
EPILOGUE = 'DUNLIN_MODULE(text, m) {\n    m.function("url", [](const page& p) { return p.url; });\n}\n'


def mistake(case):
    """What is expected of a section of mistakes.txt, and the text to compile."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mistakes.txt")
    with open(path, encoding="utf-8") as file:
        sections = dict(re.findall(r"^== (\w+)\n(.*?)(?=^== |\Z)", file.read(), re.M | re.S))
    expected = {"error": [], "names": [], "absent": [], "only": []}
    lines = sections[case].splitlines()
    while match := re.match(r"(error|names|absent|only): (.*)", lines[0]):
        expected[match[1]].append(match[2])
        lines.pop(0)
    text = "\n".join(lines) + "\n"
    prologue = CLIENT + PROLOGUE if "dunlin::client" in text else PROLOGUE
    return expected, prologue + text + ("" if re.search("DUNLIN_MODULE|main", text) else EPILOGUE)


def concerns(expected, compiler):
    """Whether it is a mistake for this compiler, too."""
    if expected is None or not expected["only"]:
        return True
    asked = "\n".join(f"#if !({each})\n#error\n#endif" for each in expected["only"])
    done = subprocess.run([compiler, "-E", "-x", "c++", "-"], input=asked, text=True,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    return done.returncode == 0


def findings(expected, code, said):
    """What is not as it should be, a line each."""
    lines = said.splitlines()
    errors = [number for number, line in enumerate(lines) if re.search(r"\berror: ", line)]
    if expected is None:
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
    parser.add_argument("case")
    parser.add_argument("--include", required=True)
    parser.add_argument("--compiler", action="append", required=True)
    given = parser.parse_args()

    if os.path.exists(given.case):
        with open(given.case, encoding="utf-8") as file:
            expected, text = None, file.read()
    else:
        expected, text = mistake(given.case)
    failed = False
    for compiler in given.compiler:
        done = subprocess.run(
            [compiler, *FLAGS, "-I", given.include, "-x", "c++", "-"],
            input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        wanted = expected if concerns(expected, compiler) else None
        found = list(findings(wanted, done.returncode, done.stdout))
        for finding in found:
            print(f"{compiler}: {finding}")
        if found:
            print(done.stdout)
        failed = failed or bool(found)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
