#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs word_count against a real node on a free port and compares with a count of its own.

The reference below shares nothing with the program but the definition of a word: it decodes and
lower-cases with Python's Unicode tables and finds words with a regular expression.
"""
import argparse
import collections
import contextlib
import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

SECONDS_MAX = 90

# -- the reference ---------------------------------------------------------------------------------

SYMBOLS = (
    "\u0080-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7\u00f7\u2000-\u2bff\u2e00-\u2e7f"
    "\u3000-\u3004\u3008-\u3020\u3030\ud800-\uf8ff\ufe00-\ufe6f\ufeff\uff00-\uff20\uff3b-\uff40"
    "\uff5b-\uff65\ufff0-\uffff\U0001f000-\U0001faff\U000e0000-\U0010ffff"
)
LETTER = rf"[^\x00-@\[-`{{-\x7f{SYMBOLS}]"
RUN = rf"(?:{LETTER}|[0-9])+"
WORD = re.compile(rf"{RUN}(?:(?<={LETTER})'(?={LETTER}){RUN})*")
HAS_LETTER = re.compile(LETTER)
CAPITALS = [
    *range(0x41, 0x5B),
    *(c for c in range(0xC0, 0x180) if c != 0x130),
    *range(0x391, 0x3AA),
    *range(0x400, 0x430),
]
LOWER = {c: chr(c).lower() for c in CAPITALS}


def reference(data):
    text = data.decode("utf-8", errors="replace").replace("\u2019", "'").translate(LOWER)
    return collections.Counter(
        word
        for word in WORD.findall(text)
        if HAS_LETTER.search(word) and len(word.encode()) <= 64
    )


def reference_of(roots):
    """Counts the text files under the roots: (words, files, binary files, bytes)."""
    words, files, binary, size = collections.Counter(), 0, 0, 0
    for root in roots:
        for folder, _, names in os.walk(root):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.islink(path) or not os.path.isfile(path):
                    continue
                with open(path, "rb") as file:
                    data = file.read()
                if b"\0" in data[:8192]:
                    binary += 1
                    continue
                words.update(reference(data))
                files += 1
                size += len(data)
    return words, files, binary, size


# -- running things --------------------------------------------------------------------------------


def expect(holds, what):
    if not holds:
        sys.exit(f"failed: {what}")
    print(f"ok: {what}", flush=True)


class Node:
    """A node with the module, ready when it is made. It does not outlive the test's time."""

    def __init__(self, given, *options, modules=None):
        command = [given.dunlin, "node", "--listen", "tcp://127.0.0.1:0"]
        for module in [given.module] if modules is None else modules:
            command += ["--module", module]
        self.process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
        self.late = threading.Timer(SECONDS_MAX, self.process.kill)
        self.late.start()
        ready = self.process.stdout.readline().split()
        expect(ready[:3] == ["dunlin", "node", "ready:"], f"the node starts: {ready}")
        self.endpoint = ready[3]

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        code = self.process.wait(SECONDS_MAX)
        self.late.cancel()
        self.process.stdout.close()
        return code


@contextlib.contextmanager
def node(given, *options, modules=None):
    """A node from its ready line to a clean end. Gives its endpoint."""
    started = Node(given, *options, modules=modules)
    try:
        yield started.endpoint
    finally:
        code = started.end()
    expect(code == 0, f"the node leaves with {code}")


def word_count(given, *arguments):
    return subprocess.run(
        [given.word_count, *arguments], capture_output=True, text=True, timeout=SECONDS_MAX
    )


def compare(given, endpoint, roots, expected, *options):
    done = word_count(given, *roots, "--node", endpoint, "--top", "0", "--json", *options)
    expect(done.returncode == 0, f"word_count {' '.join(options)}: {done.stderr!r}")
    expect(done.stderr == "", "nothing on standard error when it is no terminal")
    found = json.loads(done.stdout)
    words = {each["word"]: each["count"] for each in found["top"]}
    wrong = {w for w in words.keys() | expected[0].keys() if words.get(w) != expected[0].get(w)}
    some = {w: (words.get(w), expected[0].get(w)) for w in sorted(wrong)[:5]}
    expect(not wrong, f"{len(words)} words have the counts of the reference: {some}")
    counts = (found["files"], found["binary"], found["bytes"])
    expect(counts == expected[1:], f"files, binary files, bytes: {counts} {expected[1:]}")
    expect(found["words"] == sum(words.values()), "the total is the sum")
    order = [(-each["count"], each["word"].encode()) for each in found["top"]]
    expect(order == sorted(order), "the most frequent words come first")
    return found


# -- cases -----------------------------------------------------------------------------------------


def generate(root, seed):
    """Text of every kind that could go wrong: long, odd, malformed, not text at all."""
    print(f"seed {seed}")
    dice = random.Random(seed)
    syllables = ["ba", "De", "\u00e9", "\u0416", "\u03a9", "it's", "o\u2019", "x1", "\u6f22", "\u0141"]
    vocabulary = ["".join(dice.choices(syllables, k=dice.randint(1, 6))) for _ in range(3000)]
    gaps = [" ", " ", "\n", "\t", ", ", "\u2014", "\u00a0", "...", "\u3002"]

    def prose(words):
        return "".join(dice.choice(vocabulary) + dice.choice(gaps) for _ in range(words)).encode()

    files = {
        "empty": b"",
        "one_word": b"word",
        "long": prose(60_000),
        "a/b/c/deep": prose(500),
        "a/noise": bytes(dice.randrange(1, 256) for _ in range(200_000)),
        "a/encoded": b"QUJD+" * 20_000 + b" end " + b"z" * 3_000 + b" after",
        "a/lines": b"\r\n".join(prose(3) for _ in range(3_000)),
        "a/binary": b"\x7fELF\0" + prose(50),
        "a/late_nul": prose(2_000) + b"\0 after the check " + prose(10),
    }
    for number in range(200):
        files[f"many/{number % 7}/{number}"] = prose(dice.randint(0, 40))
    for name, data in files.items():
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
    os.symlink("../..", os.path.join(root, "a/b/loop"))
    os.symlink("../long", os.path.join(root, "a/alias"))
    os.mkfifo(os.path.join(root, "a/pipe"))


def generated(given):
    with tempfile.TemporaryDirectory(prefix="word-count-") as root:
        generate(root, given.seed)
        expected = reference_of([root])
        with node(given) as endpoint:
            compare(given, endpoint, [root], expected)
            found = compare(given, endpoint, [root], expected, "--chunk", "1KiB", "--window", "9")
            expect(found["calls"] > 500, f"small chunks are many calls: {found['calls']}")
        with node(given, "--queue-depth-max", "2", "--activations", "1") as endpoint:
            options = "--chunk", "4KiB", "--window", "256"
            found = compare(given, endpoint, [root], expected, *options)
            expect(found["overloaded"] > 0, f"a queue of 2 refuses: {found['overloaded']} tried again")
        with node(given, "--in-flight-max", "4") as endpoint:
            found = compare(given, endpoint, [root], expected, "--chunk", "4KiB")
            print(f"with 4 calls allowed, {found['overloaded']} were tried again")


def real(given):
    licences = "/usr/share/common-licenses"
    documents = "/usr/share/doc"
    roots = [folder for folder in (licences,) if os.path.isdir(folder)]
    left = 6_000_000
    for name in sorted(os.listdir(documents)) if os.path.isdir(documents) else ():
        folder = os.path.join(documents, name)
        if os.path.islink(folder) or not os.path.isdir(folder):
            continue
        size = sum(
            os.lstat(os.path.join(inner, file)).st_size
            for inner, _, files in os.walk(folder)
            for file in files
        )
        if size <= left:
            left -= size
            roots.append(folder)
    if not roots:
        print("there is no text here to count")
        return
    with node(given) as endpoint:
        compare(given, endpoint, roots, reference_of(roots))


def replaced(given):
    """Counts over and over while every node of a cluster is replaced, and two are killed."""
    nodes = []

    def start():
        joined = [word for each in nodes for word in ("--join", each.endpoint)]
        nodes.append(Node(given, "--cluster", "counters", "--name", f"n{next(numbers)}", *joined))

    def replace_all():
        for number in (signal.SIGTERM,) * 3 + (signal.SIGKILL,) * 2:
            start()
            wanted = 0 if number == signal.SIGTERM else -number
            codes.append((nodes.pop(0).end(number), wanted))

    numbers, codes, runs = itertools.count(1), [], 0
    with tempfile.TemporaryDirectory(prefix="word-count-") as root:
        generate(root, given.seed)
        expected = reference_of([root])
        for _ in range(3):
            start()
        replacing = threading.Thread(target=replace_all)
        replacing.start()
        while replacing.is_alive() or runs == 0:
            # The youngest stays the longest; it tells of the others.
            compare(given, nodes[-1].endpoint, [root], expected, "--chunk", "1KiB")
            runs += 1
        replacing.join()
        expect(all(found == wanted for found, wanted in codes), f"they end as they should: {codes}")
        expect(len(codes) == 5, f"{len(codes)} nodes were replaced in {runs} runs, none of which noticed")
        for each in nodes:
            expect(each.end() == 0, "the last ones leave in order")


def interrupt(given):
    with tempfile.TemporaryDirectory(prefix="word-count-") as root:
        with open(os.path.join(root, "long"), "wb") as file:
            file.write(b"one two three four\n" * 4_000_000)
        with node(given) as endpoint:
            command = [given.word_count, root, "--node", endpoint, "--chunk", "1KiB"]
            process = subprocess.Popen(
                [*command, "--window", "2"],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
            connected = threading.Event()
            began = time.monotonic()
            # It can be interrupted in order once it has a handler for that.
            while not connected.is_set() and time.monotonic() - began < SECONDS_MAX:
                with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
                    caught = int(re.search(r"SigCgt:\s*([0-9a-f]+)", file.read())[1], 16)
                if caught >> (signal.SIGINT - 1) & 1:
                    connected.set()
            process.send_signal(signal.SIGINT)
            output, complaint = process.communicate(timeout=SECONDS_MAX)
            expect(process.returncode == 130, f"it leaves with {process.returncode}")
            expect(output == "", "and prints no result")
            expect("interrupted after" in complaint, f"and says so: {complaint!r}")


def errors(given):
    def fails(code, said, *arguments):
        done = word_count(given, *arguments)
        line = done.stderr.strip()
        expect(done.returncode == code, f"{arguments} leaves with {done.returncode}: {line!r}")
        expect(said in line and "\n" not in line, f"one line, with {said!r}")
        expect(done.stdout == "", "no result")

    here = os.path.dirname(os.path.abspath(__file__))
    fails(2, "no option --chonk", "--chonk", "1")
    fails(2, "no file or folder '/missing'", "/missing")
    fails(2, "invalid_argument", here, "--node", "nonsense")
    fails(3, "to start a node: ", here, "--node", "tcp://127.0.0.1:9")
    with node(given, modules=[]) as endpoint:
        fails(1, "text/count_words", here, "--node", endpoint)
        fails(1, "the node has to load it: ", here, "--node", endpoint)
    with node(given) as endpoint:
        done = word_count(given, here, "--node", endpoint, "--top", "3")
        expect(done.returncode == 0, f"a page for people:\n{done.stdout}")
        for part in ("words   ", "files   ", "calls   ", "time    ", " calls/s", " MB/s"):
            expect(part in done.stdout, f"the page has {part!r}")
    done = word_count(given, "--help")
    expect(done.returncode == 0 and "--window N" in done.stdout, "there is help")


def main():
    cases = {case.__name__: case for case in (generated, real, replaced, interrupt, errors)}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=cases)
    parser.add_argument("--dunlin", required=True)
    parser.add_argument("--module", required=True)
    parser.add_argument("--word-count", required=True)
    parser.add_argument("--seed", type=int, default=20240607)
    given = parser.parse_args()
    cases[given.case](given)


if __name__ == "__main__":
    main()
