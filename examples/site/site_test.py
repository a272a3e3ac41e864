#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Calls the module's functions from the command line, kills their node in between, and asks again."""
import argparse
import contextlib
import subprocess
import sys
import tempfile
import threading

SECONDS_MAX = 30


@contextlib.contextmanager
def node(given, folder):
    """@yields its endpoint; it is killed at the end."""
    process = subprocess.Popen(
        [given.program, "node", "--listen", "tcp://127.0.0.1:0", "--module", given.module],
        stdout=subprocess.PIPE, text=True, cwd=folder,
    )  # fmt: skip
    late = threading.Timer(SECONDS_MAX, process.kill)
    late.start()
    try:
        ready = process.stdout.readline().split()
        if ready[:3] != ["dunlin", "node", "ready:"] or "state=./dunlin-data" not in ready:
            sys.exit(f"failed: instead of its endpoint and its state the node said {ready}")
        yield ready[3]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        late.cancel()


def ask(given, endpoint, function, payload, expected):
    done = subprocess.run(
        [given.program, "invoke", function, payload, "--node", endpoint],
        capture_output=True, text=True, timeout=SECONDS_MAX,
    )  # fmt: skip
    said = done.stdout.strip() or done.stderr.strip()
    if expected not in said:
        sys.exit(f"failed: {function} {payload} gave {done.returncode} {said!r}, not {expected!r}")
    print("ok:", function, payload, "->", said)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--module", required=True)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="site-") as folder:
        with node(given, folder) as endpoint:
            ask(given, endpoint, "site/visit", '{"visitor": "ann", "url": "/"}', "1")
            ask(given, endpoint, "site/visit", '{"visitor": "bob", "url": "/"}', "1")
            ask(given, endpoint, "site/visit", '{"visitor": "ann", "url": "/prices"}', "2")
            ask(given, endpoint, "site/show", '{"visitor": "cat"}', '{"count":0,"last_page":""}')
            ask(given, endpoint, "site/show", "{}", "invalid_argument")
        with node(given, folder) as endpoint:
            ask(given, endpoint, "site/show", '{"visitor": "ann"}', '{"count":2,"last_page":"/prices"}')
            ask(given, endpoint, "site/visit", '{"visitor": "bob", "url": "/"}', "2")


if __name__ == "__main__":
    main()
