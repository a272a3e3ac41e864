# SPDX-License-Identifier: Apache-2.0
"""Runs the program `dunlin` for tests: to its end, or beside the test.

DUNLIN_BINARY names the program, BENCH_MODULE and FAULTS_MODULE the modules `bench` and `faults`.
Ports are the system's choice. Nothing sleeps: a test waits for a line, for the end of a process, or
for what a node says of itself, each with a limit; and only processes started here are ended.
"""

import json
import os
import select
import subprocess
import tempfile
import time
import unittest

WAIT_SECONDS_MAX = 60


def binary():
    return os.environ["DUNLIN_BINARY"]


def dunlin(*arguments, stdin="", environment=None, text=True):
    """Runs the program to its end."""
    return subprocess.run(
        [binary(), *arguments], input=stdin if text else stdin.encode(), text=text,
        capture_output=True, timeout=WAIT_SECONDS_MAX, check=False,
        env={**os.environ, **(environment or {})})


class Process:
    """A program that runs beside the test. Its lines are waited for."""

    def __init__(self, *arguments, stdin=subprocess.DEVNULL, errors_to=None, **options):
        self._log = tempfile.TemporaryFile("w+")
        self._rest = b""
        self.process = subprocess.Popen([binary(), *arguments], stdin=stdin,
                                        stdout=subprocess.PIPE,
                                        stderr=self._log if errors_to is None else errors_to,
                                        **options)

    def line(self):
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while b"\n" not in self._rest:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self.process.stdout], [], [], max(left, 0))
            chunk = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not chunk:
                raise AssertionError(f"waited for a line; printed {self._rest!r}, "
                                     f"logged {self.log()!r}")
            self._rest += chunk
        line, self._rest = self._rest.split(b"\n", 1)
        return line.decode()

    def rest(self):
        """What is printed until the end."""
        text, _ = self.process.communicate(timeout=WAIT_SECONDS_MAX)
        return (self._rest + text).decode()

    def log(self):
        self._log.seek(0)
        return self._log.read()

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        return self.process.wait(WAIT_SECONDS_MAX)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self._log):
            if stream:
                stream.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Node(Process):
    def __init__(self, *arguments):
        super().__init__("node", "--listen", "tcp://127.0.0.1:0", "--module",
                         os.environ["BENCH_MODULE"], *arguments)
        try:
            self.ready = self.line()
            words = self.ready.split()
            if words[:3] != ["dunlin", "node", "ready:"]:
                raise AssertionError(f"no ready line: {self.ready}")
            self.endpoint = words[3]
        except BaseException:
            self.close()
            raise

    def functions(self):
        listed = dunlin("functions", "--node", self.endpoint, "--json")
        if listed.returncode != 0:
            raise AssertionError(listed.stderr)
        return {function["name"]: function for function in json.loads(listed.stdout)}

    def wait_until_busy(self, function, count):
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while self.functions()[function]["busy"] != count:
            if time.monotonic() > deadline:
                raise AssertionError(f"{function} never had {count} running calls")


class ProgramTest(unittest.TestCase):
    maxDiff = None

    def assert_exit(self, ran, code):
        self.assertEqual(ran.returncode, code, (ran.stdout, ran.stderr))

    def assert_complaint(self, ran, code, *parts):
        """Exit code, and one line on standard error that has all the parts."""
        self.assert_exit(ran, code)
        self.assertTrue(ran.stderr.startswith("dunlin: "), ran.stderr)
        self.assertEqual(ran.stderr.count("\n"), 1, ran.stderr)
        for part in parts:
            self.assertIn(part, ran.stderr)
