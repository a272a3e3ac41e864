# SPDX-License-Identifier: Apache-2.0
"""Programs under measurement: started, awaited by their first output, always stopped again.

A server is stopped through the handle this process holds on it, never by name, so a run leaves
other programs alone; and it is stopped on every way out, an exception and Ctrl-C included.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Iterator

START_TIMEOUT_S = 60
RUN_TIMEOUT_S = 180
STOP_TIMEOUT_S = 15


class MeasurementError(Exception):
    """A figure could not be taken; the message is one line for the reader of the table."""


def last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it printed nothing"


class Server:
    """A program that runs until it is stopped. Use it in a `with` statement."""

    def __init__(self, argv: list, log_stream: str = "stdout", folder: tempfile.TemporaryDirectory | None = None):
        """`log_stream` names the stream that says when the server is ready; a `folder` becomes the server's."""
        self.name = Path(argv[0]).name
        self._other_output = tempfile.TemporaryFile()
        self._buffer = b""
        streams = {"stdout": self._other_output, "stderr": self._other_output, log_stream: subprocess.PIPE}
        # A disposable working directory, lest a server leaves files in the checkout; and a group of
        # its own, so that Ctrl-C reaches this script only, which then stops the server. Not a session:
        # Linux shares the cores between sessions first, and a caller would wait for a node's threads.
        self._directory = folder or tempfile.TemporaryDirectory(prefix="dunlin-bench-")
        self.started_at_s = time.monotonic()
        try:
            self._process = subprocess.Popen(
                [str(word) for word in argv],
                stdin=subprocess.DEVNULL,
                cwd=self._directory.name,
                process_group=0,
                **streams,
            )
        except OSError as problem:
            raise MeasurementError(f"{self.name} does not start: {problem.strerror}") from None
        self._ready_stream = getattr(self._process, log_stream)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_exception) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._process.pid

    def running(self) -> bool:
        return self._process.poll() is None

    def await_line(self, pattern: str) -> str:
        """Waits for a line that matches, and returns the pattern's first group."""
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while True:
            while b"\n" in self._buffer:
                line, self._buffer = self._buffer.split(b"\n", 1)
                if match := re.search(pattern, line.decode(errors="replace")):
                    return match.group(1)
            self._read_more(deadline_s, pattern)

    def _read_more(self, deadline_s: float, awaited: str) -> None:
        remaining_s = max(0.0, deadline_s - time.monotonic())
        if not select.select([self._ready_stream], [], [], remaining_s)[0]:
            raise MeasurementError(f"{self.name} did not print '{awaited}' within {START_TIMEOUT_S} s")
        chunk = os.read(self._ready_stream.fileno(), 65536)
        if not chunk:
            raise MeasurementError(f"{self.name} ended before it was ready: {last_line(self._other_text())}")
        self._buffer += chunk

    def _other_text(self) -> str:
        self._other_output.seek(0)
        return self._other_output.read().decode(errors="replace")

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        if self.running():
            self.thaw()  # a frozen process takes no other signal
            self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._ready_stream.close()
        self._other_output.close()
        self._directory.cleanup()

    def resident_kib(self) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE).group(1))


def run_for_output(
    argv: list, timeout_s: float = RUN_TIMEOUT_S, statuses: tuple[int, ...] = (0,), folder: str | None = None
) -> str:
    """What it printed, if it ended with one of these exit statuses."""
    words = [str(word) for word in argv]
    name = " ".join([Path(words[0]).name, *words[1:3]])
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_s, cwd=folder
        )
    except subprocess.TimeoutExpired:
        raise MeasurementError(f"{name}: no result within {timeout_s:.0f} s") from None
    except OSError as problem:
        raise MeasurementError(f"{name}: {problem.strerror}") from None
    if done.returncode not in statuses:
        raise MeasurementError(f"{name}: exit status {done.returncode}: {last_line(done.stderr)}")
    return done.stdout


def run_for_json(argv: list, timeout_s: float = RUN_TIMEOUT_S, statuses: tuple[int, ...] = (0,)) -> dict:
    output = run_for_output(argv, timeout_s, statuses).strip()
    for candidate in (output, last_line(output)):
        try:
            value = json.loads(candidate)
        except json.JSONDecodeError:
            continue
        if isinstance(value, dict):
            return value
    raise MeasurementError(f"{Path(str(argv[0])).name} printed no JSON object: {last_line(output)}")


class DunlinNode(Server):
    """A node with the bench module, ready once constructed inside a `with`."""

    def __init__(self, build_dir: Path, *options: str, serves: bool = True):
        self.program = build_dir / "bin" / "dunlin"
        module = ["--module", build_dir / "modules" / "bench.so"] if serves else []
        super().__init__([self.program, "node", "--listen", "tcp://127.0.0.1:0", *module, *options])
        self.endpoint = ""
        self.ready_after_s = 0.0

    def __enter__(self) -> DunlinNode:
        # Python does not call __exit__ when __enter__ fails, so a node that never gets ready is stopped here.
        try:
            self.endpoint = self.await_line(r"^dunlin node ready: (\S+)")
            self.ready_after_s = time.monotonic() - self.started_at_s
        except BaseException:
            self.stop()
            raise
        return self

    def bench_argv(self, function: str, requests: int, window: int, *more: str) -> list:
        return [
            self.program, "bench", function, "--node", self.endpoint,
            "--requests", str(requests), "--window", str(window), *more, "--json",
        ]  # fmt: skip

    def bench(self, function: str, requests: int, window: int, size_bytes: int = 64, *more: str) -> dict:
        argv = self.bench_argv(function, requests, window, "--size", str(size_bytes), *more)
        return without_errors("dunlin", run_for_json(argv))

    def bench_with(self, payload: str, function: str, requests: int, window: int, *more: str) -> dict:
        argv = self.bench_argv(function, requests, window, "--payload", payload, *more)
        return without_errors("dunlin", run_for_json(argv))

    def invoke(self, function: str, argument: dict | None = None) -> dict:
        words = [] if argument is None else [json.dumps(argument)]
        return run_for_json(
            [self.program, "invoke", function, *words, "--node", self.endpoint, "--timeout", "60s"]
        )

    def scale(self, function: str, *settings: str) -> None:
        """Sets limits of a function, on all nodes of the cluster."""
        run_for_output([self.program, "scale", function, *settings, "--node", self.endpoint])

    def figures_of(self, function: str) -> dict:
        for entry in self.invoke("dunlin/stats").get("functions", []):
            if entry.get("name") == function:
                return entry
        raise MeasurementError(f"dunlin/stats does not name {function}")

    def invocations(self, function: str) -> int:
        """How many calls of it this node ran."""
        return self.figures_of(function)["invocations"]


@contextlib.contextmanager
def joined_nodes(build_dir: Path, count: int, *options: str) -> Iterator[list[DunlinNode]]:
    """A cluster of nodes that all serve the module `bench`, and all know that of each other."""
    with contextlib.ExitStack() as running:
        nodes: list[DunlinNode] = []
        for number in range(1, count + 1):
            joins = ("--join", nodes[0].endpoint) if nodes else ()
            names = ("--name", f"n{number}", "--cluster", "bench")
            nodes.append(running.enter_context(DunlinNode(build_dir, *names, *joins, *options)))
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not all(serve_everywhere(node, count) for node in nodes):
            if time.monotonic() > deadline_s:
                raise MeasurementError(f"the nodes did not form a cluster within {START_TIMEOUT_S} s")
        yield nodes


def serve_everywhere(node: DunlinNode, count: int) -> bool:
    """Whether this node knows of so many that serve bench/nap."""
    listed = json.loads(run_for_output([node.program, "functions", "--node", node.endpoint, "--json"]))
    return any(entry["name"] == "bench/nap" and len(entry["nodes"]) == count for entry in listed)


class DunlinCluster:
    """Three nodes, of which one serves the module `bench`; the entry, which is another, is asked for it."""

    def __init__(self, build_dir: Path):
        self._build_dir = build_dir
        self._running = contextlib.ExitStack()

    def __enter__(self) -> DunlinCluster:
        with self._running:  # until all are there
            self.entry = self._start("entry", serves=False)
            joins = ("--join", self.entry.endpoint)
            self.serving = self._start("serving", *joins)
            self._start("beside", *joins, serves=False)
            self._await_functions()
            self._running = self._running.pop_all()
        return self

    def __exit__(self, *_exception) -> None:
        self._running.close()

    def _start(self, name: str, *options: str, serves: bool = True) -> DunlinNode:
        cluster = ("--name", name, "--cluster", "bench")
        return self._running.enter_context(DunlinNode(self._build_dir, *cluster, *options, serves=serves))

    def _await_functions(self) -> None:
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while True:
            # Nodes that know each other tell next what they serve.
            argv = [self.entry.program, "nodes", "--node", self.entry.endpoint, "--json"]
            members = run_for_output(argv).splitlines()
            if len(members) == 3 and self._echoes():
                return
            if time.monotonic() > deadline_s:
                raise MeasurementError(f"the nodes did not form a cluster within {START_TIMEOUT_S} s")

    def _echoes(self) -> bool:
        try:
            self.entry.invoke("bench/echo", {})
        except MeasurementError:
            return False
        return True


def without_errors(name: str, figures: dict) -> dict:
    """A failed request is often a fast one: a run that has any says nothing about speed."""
    if figures.get("errors", 0):
        raise MeasurementError(f"{name}: {figures['errors']} of {figures['requests']} requests failed")
    return figures
