#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what the documents say about the repository.

  check_docs.py [ROOT]

  - Links between documents lead to files, and to headings that are there.
  - Every room and every example has a README.md.
  - docs/guarantees.md names a test for each guarantee, and those tests exist.
  - Each name that the SDK's public headers offer stands in a document for its users.

Prints one line per finding, `file: what`, and exits 1 if there is any.
"""
import glob
import os
import re
import sys

FOLDERS = ("sdk", "actors", "runtime", "examples", "tests", "docs")
EXPLAINED = ("", "sdk", "actors", "runtime", "examples", "examples/*/", "tests", "tests/bench", "docs/decisions")

# Where authors and callers look, and the headers that are for them: all but those of details, of
# codecs of one's own, which codec/traits.hpp explains, and of modules in C.
USERS_DOCUMENTS = ("README.md", "sdk/README.md", "docs/modules.md")
HEADERS = "sdk/include/dunlin/*.hpp"
SECTION = re.compile(r"^(public|private|protected):")
TYPE = re.compile(r"^(?:class|struct|concept|enum class)(?: \[\[nodiscard\]\])? (\w+)\b(?!.*;)")
CALLABLE = re.compile(
    r"^(?:    )?(?=\S)(?:(?:\[\[nodiscard\]\]|static|constexpr|inline) )*[\w:<>,*& ]+?[ &*>](\w+)\("
)
VALUE = re.compile(r"^    [\w:<>]+ (\w+)(?: = [^;]+|\{[^;]*\})?;")
MACRO = re.compile(r"^#define (DUNLIN_\w+)\(")
# Not for users: steps of macros and what these leave in structs, and what compilers call.
UNTOLD = re.compile(r"DUNLIN_(DESCRIBE|NAME)_FIELD|dunlin_\w+|await_\w+|static_assert|decltype")
NO_NAME = re.compile(r"\s*(friend|return|using|template|requires|throw|if|for)\b")

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


def public_names(text):
    """What a header of the SDK offers: types, their public members, functions and macros."""
    inside_detail = False
    inside_type = False
    is_public = True
    for line in text.splitlines():
        if re.match(r"namespace detail \{|namespace dunlin::detail \{", line):
            inside_detail = True
        elif line.startswith("}  // namespace"):
            inside_detail = False
        section = SECTION.match(line)
        if section:
            is_public = section[1] == "public"
        type_ = TYPE.match(line)
        if type_:
            inside_type = True
            is_public = not line.startswith("class ")
        elif line.startswith("}"):
            inside_type = False
            is_public = True
        if inside_detail or not is_public and not type_:
            continue
        value = VALUE.match(line) if inside_type else None
        for found in (type_, MACRO.match(line), CALLABLE.match(line), value):
            if found and not NO_NAME.match(line):
                yield found[1]
                break


def header_findings(root):
    documents = [read(root, path) for path in USERS_DOCUMENTS if os.path.exists(os.path.join(root, path))]
    told = set(re.findall(r"\w+", "\n".join(documents)))
    for path in sorted(glob.glob(HEADERS, root_dir=root)):
        for name in sorted(set(public_names(read(root, path))) - told):
            if UNTOLD.fullmatch(name):
                continue
            yield f"{path}: {name} stands in none of {', '.join(USERS_DOCUMENTS)}"


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../..")
    found = [
        *(finding for path in documents(root) for finding in link_findings(root, path)),
        *readme_findings(root),
        *guarantee_findings(root),
        *header_findings(root),
    ]
    for finding in found:
        print(finding)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
