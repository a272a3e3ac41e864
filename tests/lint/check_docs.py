#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what the documents say about the repository.

  check_docs.py [ROOT]

  - Links between documents lead to files, and to headings that are there.
  - Every room and every example has a README.md.
  - docs/guarantees.md names a test for each guarantee, and those tests exist.

Prints one line per finding, `file: what`, and exits 1 if there is any.
"""
import glob
import os
import re
import sys

FOLDERS = ("sdk", "actors", "runtime", "examples", "tests", "docs")
EXPLAINED = ("", "sdk", "actors", "runtime", "examples", "examples/*/", "tests", "tests/bench", "docs/decisions")

FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.*?) *$", re.MULTILINE)


def read(*parts):
    with open(os.path.join(*parts), encoding="utf-8", errors="replace") as file:
        return file.read()


def documents(root):
    yield from sorted(glob.glob("*.md", root_dir=root))
    for folder in FOLDERS:
        yield from sorted(glob.glob(f"{folder}/**/*.md", root_dir=root, recursive=True))


def anchors(text):
    """The anchors of a document's headings, as they are made on common forges."""
    for heading in HEADING.findall(FENCE.sub("", text)):
        words = re.sub(r"[^\w\- ]", "", heading.lower())
        yield words.replace(" ", "-")


def link_findings(root, path):
    text = read(root, path)
    for target in LINK.findall(FENCE.sub("", text)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
        if not os.path.exists(os.path.join(root, there)):
            yield f"{path}: the link to {target} leads nowhere"
        elif anchor and anchor not in anchors(read(root, there)):
            yield f"{path}: {there} has no heading for #{anchor}"


def readme_findings(root):
    for pattern in EXPLAINED:
        for folder in glob.glob(os.path.join(root, pattern)):
            if not os.path.exists(os.path.join(folder, "README.md")):
                yield f"{os.path.relpath(folder, root)}: has no README.md"


def sources_with_tests(root):
    for folder in ("tests", "examples"):
        for pattern in ("*_test.cpp", "*.py", "CMakeLists.txt"):
            yield from glob.glob(f"{root}/{folder}/**/{pattern}", recursive=True)


def guarantee_findings(root, path="docs/guarantees.md"):
    if not os.path.exists(os.path.join(root, path)):
        return
    known = "\n".join(read(source) for source in sources_with_tests(root))
    # Tests made in a loop are named by their parts.
    known = known.replace("${case}", "generated")
    for line in read(root, path).splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|") or len(cells) != 2 or cells[0] in ("guarantee", "---"):
            continue
        names = re.findall(r"`([^`]+)`", cells[1])
        if not names:
            yield f"{path}: no test for: {cells[0]}"
        for name in names:
            if not any(form in known for form in (f'"{name}"', f"def {name}(")):
                yield f"{path}: no test is named: {name}"


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../..")
    found = [
        *(finding for path in documents(root) for finding in link_findings(root, path)),
        *readme_findings(root),
        *guarantee_findings(root),
    ]
    for finding in found:
        print(finding)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
