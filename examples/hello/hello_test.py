#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Starts a node with the module on a free port and calls its function from the command line."""
import argparse
import subprocess
import sys
import threading

SECONDS_MAX = 30


def invoke(program, endpoint, *words):
    done = subprocess.run(
        [program, "invoke", *words, "--node", endpoint],
        capture_output=True, text=True, timeout=SECONDS_MAX,
    )  # fmt: skip
    return done.returncode, done.stdout.strip(), done.stderr.strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--module", required=True)
    given = parser.parse_args()

    node = subprocess.Popen(
        [given.program, "node", "--listen", "tcp://127.0.0.1:0", "--module", given.module],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    late = threading.Timer(SECONDS_MAX, node.kill)
    late.start()
    try:
        ready = node.stdout.readline().split()
        if ready[:3] != ["dunlin", "node", "ready:"]:
            sys.exit(f"failed: instead of its endpoint the node said {ready}")
        endpoint = ready[3]
        for words, expected in (
            (["hello/greet", '{"name": "Ada"}'], (0, '"Hello, Ada!"')),
            (["hello/greet", "{}"], (0, '"Hello, world!"')),
            (["hello/greet", '{"name": 7}'], (1, "")),
        ):
            code, output, complaint = invoke(given.program, endpoint, *words)
            if (code, output) != expected:
                sys.exit(f"failed: {words} gave {code} {output!r} {complaint!r}")
            if code != 0 and "guest.name" not in complaint:
                sys.exit(f"failed: {complaint!r} does not name the field")
            print("ok:", *words, "->", output or complaint)
    finally:
        node.terminate()
        code = node.wait(SECONDS_MAX)
        late.cancel()
    if code != 0:
        sys.exit(f"failed: the node left with {code}")


if __name__ == "__main__":
    main()
