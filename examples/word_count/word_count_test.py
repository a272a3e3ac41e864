#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs word_count against a real node on a free port and compares with a count of its own, which
shares nothing with the program but the definition of a word."""
import argparse
import collections
import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading

SECONDS_MAX = 90
LETTER = rb"[A-Za-z\x80-\xff]"
RUN = rb"[A-Za-z0-9\x80-\xff]+"
WORD = re.compile(RUN + rb"(?:(?<=" + LETTER + rb")'(?=" + LETTER + rb")" + RUN + rb")*")


def reference(data):
    words = WORD.findall(data.lower())
    return collections.Counter(w for w in words if re.search(LETTER, w) and len(w) <= 64)


def expect(holds, what):
    if not holds:
        sys.exit(f"failed: {what}")
    print(f"ok: {what}", flush=True)


@contextlib.contextmanager
def node(given, *options, modules=None):
    """A node from its ready line to a clean end. Gives its endpoint."""
    command = [given.dunlin, "node", "--listen", "tcp://127.0.0.1:0", *options]
    for module in [given.module] if modules is None else modules:
        command += ["--module", module]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        late = threading.Timer(SECONDS_MAX, process.kill)
        late.start()
        try:
            ready = process.stdout.readline().split()
            expect(ready[:3] == ["dunlin", "node", "ready:"], f"the node starts: {ready}")
            yield ready[3]
        finally:
            process.terminate()
            code = process.wait()
            late.cancel()
    expect(code == 0, f"the node leaves with {code}")


def word_count(given, *arguments):
    return subprocess.run([given.word_count, *arguments], capture_output=True, timeout=SECONDS_MAX)


def compare(given, endpoint, root, expected, *options):
    """@returns the number of calls, and of those that were tried again."""
    done = word_count(given, root, "--node", endpoint, "--top", "0", *options)
    expect(done.returncode == 0 and not done.stderr, f"word_count {options}: {done.stderr!r}")
    listed = re.findall(rb"^ *([\d,]+) +[\d.]+ %  (.*)$", done.stdout, re.M)
    found = {word: int(count.replace(b",", b"")) for count, word in listed}
    wrong = {w: (found.get(w), n) for w, n in expected[0].items() if found.get(w) != n}
    expect(found == expected[0], f"{len(found)} words have the counts of the reference: {wrong}")
    order = [(-found[word], word) for _, word in listed]
    expect(order == sorted(order), "the most frequent words come first")
    files = f"\nfiles   {expected[1]:,}, ".encode()
    expect(files in done.stdout and b"over: 1 binary, 0 unreadable" in done.stdout, f"{files}")
    calls = re.search(rb"calls +([\d,]+) to .*, ([\d,]+) tried again", done.stdout).groups()
    return [int(number.replace(b",", b"")) for number in calls]


def generate(root, seed):
    """Text of every kind that could go wrong. @returns its words and the number of files."""
    print(f"seed {seed}")
    dice = random.Random(seed)
    syllables = ["ba", "De", "\u00e9", "\u0416", "it's", "o\u2019", "x1", "42", "\u6f22"]
    vocabulary = ["".join(dice.choices(syllables, k=dice.randint(1, 6))) for _ in range(3000)]
    gaps = [" ", " ", "\n", "\t", ", ", "...", "' '", "/"]

    def prose(words):
        return "".join(dice.choice(vocabulary) + dice.choice(gaps) for _ in range(words)).encode()

    files = {
        "empty": b"",
        "one_word": b"word",
        "long": prose(60_000),
        "a/b/c/deep": prose(500),
        "a/noise": bytes(dice.randrange(1, 256) for _ in range(200_000)),
        "a/encoded": b"QUJD+" * 20_000 + b" end " + b"z" * 3_000 + b" after",
        "a/late_nul": prose(2_000) + b"\0 after the check " + prose(10),
    }
    files.update({f"many/{n % 7}/{n}": prose(dice.randint(0, 40)) for n in range(200)})
    for name, data in {**files, "a/binary": b"\x7fELF\0" + prose(50)}.items():
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
    os.symlink("../..", os.path.join(root, "a/b/loop"))
    os.symlink("../long", os.path.join(root, "a/alias"))
    os.mkfifo(os.path.join(root, "a/pipe"))
    return sum(map(reference, files.values()), collections.Counter()), len(files)


def generated(given):
    with tempfile.TemporaryDirectory(prefix="word-count-") as root:
        expected = generate(root, given.seed)
        with node(given) as endpoint:
            compare(given, endpoint, root, expected)
            calls, _ = compare(given, endpoint, root, expected, "--chunk", "1024", "--window", "9")
            expect(calls > 500, f"small chunks are many calls: {calls}")
        with node(given, "--queue-depth-max", "2", "--activations", "1") as endpoint:
            options = "--chunk", "4096", "--window", "256"
            _, again = compare(given, endpoint, root, expected, *options)
            expect(again > 0, f"a queue of 2 refuses: {again} tried again")
        with node(given, "--in-flight-max", "4") as endpoint:
            compare(given, endpoint, root, expected, "--chunk", "4096")


def interrupt(given):
    with tempfile.TemporaryDirectory(prefix="word-count-") as root:
        with open(os.path.join(root, "long"), "wb") as file:
            file.write(b"one two three four\n" * 4_000_000)
        with node(given) as endpoint:
            command = [given.word_count, root, "--node", endpoint, "--chunk", "1024", "--window", "2"]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            caught = 0
            # It can be interrupted in order once it has a handler for that.
            while not caught >> (signal.SIGINT - 1) & 1 and process.poll() is None:
                with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
                    caught = int(re.search(r"SigCgt:\s*([0-9a-f]+)", file.read())[1], 16)
            process.send_signal(signal.SIGINT)
            output, complaint = process.communicate(timeout=SECONDS_MAX)
            expect(process.returncode == 130, f"it leaves with {process.returncode}")
            expect(output == b"" and b"interrupted after" in complaint, f"and says so: {complaint}")


def errors(given):
    def fails(code, said, *arguments):
        done = word_count(given, *arguments)
        expect(done.returncode == code, f"{arguments} leaves with {done.returncode}")
        expect(said in done.stderr and done.stderr.count(b"\n") == 1, f"says {done.stderr!r}")
        expect(done.stdout == b"", "no result")

    here = os.path.dirname(os.path.abspath(__file__))
    fails(2, b"no option --chonk", "--chonk", "1")
    fails(2, b"--window does not take '8x'", "--window", "8x")
    fails(2, b"--chunk does not take '1000'", "--chunk", "1000")
    fails(2, b"--top does not take ''", "--top")
    fails(2, b"no file or folder '/missing'", "--", "/missing")
    fails(2, b"invalid_argument", here, "--node", "nonsense")
    fails(3, b"to start a node: ", here, "--node", "tcp://127.0.0.1:9")
    with node(given, modules=[]) as endpoint:
        fails(1, b"the node has to load it: ", here, "--node", endpoint)
    done = word_count(given, "--help")
    expect(done.returncode == 0 and b"--window N" in done.stdout, "there is help")


def main():
    cases = {case.__name__: case for case in (generated, interrupt, errors)}
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
