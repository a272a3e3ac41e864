# SPDX-License-Identifier: Apache-2.0
"""Real processes under test: nodes that form a cluster, and callers beside them.

Only processes started here are signalled, through the handle held on each; all of them are ended on
every way out, Ctrl-C included, because they are closed by the cluster's `with` (cluster.py). Times are those of
the machine's monotonic clock, in seconds: nodes' traces and callers' files use the same clock.
"""

import calendar
import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import threading
import time

READY_SECONDS_MAX = 30
STOP_SECONDS_MAX = 30


class ChaosError(Exception):
    """Something that has to hold before anything can be measured does not."""


class Programs:
    """Where the things that are run are."""

    def __init__(self, dunlin, module, load, bench, tally="", keyed="", history=""):
        self.dunlin, self.module, self.load = str(dunlin), str(module), str(load)
        self.bench = str(bench)
        # What histories of keys are made with, and judged.
        self.tally, self.keyed, self.history = str(tally), str(keyed), str(history)

    @staticmethod
    def of_build(directory):
        directory = pathlib.Path(directory).resolve()
        return Programs(directory / "bin/dunlin", directory / "modules/chaos.so",
                        directory / "bin/chaos_load", directory / "modules/bench.so",
                        directory / "modules/tally.so", directory / "bin/chaos_keyed",
                        directory / "bin/dunlin_history")

    def missing(self):
        return [each for each in (self.dunlin, self.module, self.load, self.bench, self.tally,
                                  self.keyed, self.history) if not os.path.exists(each)]


class Ports:
    """Free ports below those that the system gives to outgoing connections, so that a node can be
    started anew on its own while it is not there to hold it."""

    def __init__(self):
        self._next = 10_000 + os.getpid() * 37 % 20_000

    def take(self):
        for _ in range(20_000):
            self._next = self._next + 1 if self._next < 31_000 else 10_000
            with socket.socket() as probe:
                try:
                    probe.bind(("127.0.0.1", self._next))
                    return self._next
                except OSError:
                    continue
        raise ChaosError("no free port between 10000 and 31000")


class Process:
    """A process that was started here."""

    def __init__(self, argv, log, environment=None, stdout=subprocess.PIPE):
        self.log_path = log
        with open(log, "ab") as errors:
            self.process = subprocess.Popen(
                [str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=stdout,
                stderr=errors, env={**os.environ, **(environment or {})},
                start_new_session=True)  # Ctrl-C is for the driver, which then ends the others

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def log(self):
        return pathlib.Path(self.log_path).read_text(errors="replace")

    def close(self):
        if self.running():
            self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()


class Node(Process):
    """One life of a node. Its trace file is this life's own."""

    def __init__(self, cluster, name, life, endpoint, join, slow):
        self.name, self.endpoint, self._cluster = name, endpoint, cluster
        self.trace_path = cluster.directory / f"trace-{name}-{life}"
        argv = [*cluster.prefix(name), *cluster.wrap, cluster.programs.dunlin, "node", "--name",
                name, "--listen", endpoint, "--cluster", cluster.name, "--module",
                cluster.programs.module, *cluster.modules, "--log-level", cluster.log_level,
                *cluster.options, *(cluster.keys.of_node() if cluster.keys else [])]
        if join:
            argv += ["--join", *join]
        environment = {"DUNLIN_CHAOS_TRACE": str(self.trace_path), "DUNLIN_CHAOS_NODE": name,
                       "DUNLIN_CHAOS_SLOW": str(slow)}
        super().__init__(argv, cluster.directory / f"log-{name}-{life}", environment)

    def await_ready(self):
        text, limit = b"", time.monotonic() + READY_SECONDS_MAX
        while b"\n" not in text:
            ready, _, _ = select.select([self.process.stdout], [], [],
                                        max(0.0, limit - time.monotonic()))
            chunk = os.read(self.process.stdout.fileno(), 4096) if ready else b""
            if not chunk:
                raise ChaosError(f"node {self.name} did not get ready: {self.log()[-2000:]}")
            text += chunk
        if not text.startswith(b"dunlin node ready: "):
            raise ChaosError(f"node {self.name} printed {text!r}")

    def members(self):
        """What this node thinks of each: name -> its row of dunlin/nodes; None: no answer."""
        try:
            ran = subprocess.run(
                [*self._cluster.prefix(self.name), self._cluster.programs.dunlin, "invoke",
                 "dunlin/nodes", "--node", self.endpoint, "--timeout", "1s",
                 *(self._cluster.keys.of_operator() if self._cluster.keys else [])],
                capture_output=True, timeout=10, check=False)
            rows = json.loads(ran.stdout) if ran.returncode == 0 else []
        except (subprocess.TimeoutExpired, ValueError):
            return None
        # An answer of another node, to which a client may turn, says nothing of this one.
        if not any(row["self"] and row["name"] == self.name for row in rows):
            return None
        # A node that was started anew has several rows: its lives.
        living = {row["name"]: row for row in rows if row["state"] in ("dead", "left")}
        living.update({row["name"]: row for row in rows if row["state"] not in ("dead", "left")})
        return living

    def sees_alive(self, names):
        members = self.members()
        return members is not None and all(
            name in members and members[name]["state"] == "alive" for name in names)

    def told_at(self, event, node, after_wall_s):
        """When this node's log first said `event` of another one, on the wall clock."""
        pattern = re.compile(rf'^(\S+)Z \w+: {event}\b.*? node="?{node}"?(?: |$)', re.MULTILINE)
        for match in pattern.finditer(self.log()):
            stamp, _, fraction = match.group(1).partition(".")
            when = time.strptime(stamp + "UTC", "%Y-%m-%dT%H:%M:%S%Z")
            seconds = calendar.timegm(when) + float("0." + (fraction or "0"))
            if seconds >= after_wall_s - 0.002:
                return seconds
        return None

    def stop(self):
        """SIGTERM, and waits for the end. Returns the exit code, and how long it took."""
        began = time.monotonic()
        self.signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise ChaosError(f"node {self.name} did not end within {STOP_SECONDS_MAX} s of its "
                             f"SIGTERM: {self.log()[-2000:]}") from None
        return code, time.monotonic() - began

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Load(Process):
    """A caller; see `chaos_load --help`."""

    _count = 0

    def __init__(self, cluster, function, nodes=None, where=None, **options):
        self.function = function
        self._begin(cluster, [cluster.programs.load, "--function", function], nodes, where, options)

    def _begin(self, cluster, words, nodes, where, options):
        Load._count += 1
        self.calls_path = cluster.directory / f"calls-{Load._count}"
        argv = [*cluster.prefix(where or "c1"), *words, "--calls", self.calls_path, "--first-id",
                Load._count << 40, "--seed", Load._count]
        for endpoint in nodes or cluster.endpoints():
            argv += ["--node", endpoint]
        if cluster.keys:
            argv += cluster.keys.of_client()
        for key, value in options.items():
            word = "--" + key.replace("_", "-")
            argv += [word] if value is True else [word, value]
        super().__init__(argv, cluster.directory / f"log-load-{Load._count}")
        self.latest, self.summary = {}, None
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._await_first_line()

    def _read(self):
        for line in self.process.stdout:
            value = json.loads(line)
            if "summary" in value:
                self.summary = value["summary"]
            else:
                self.latest = value

    def _await_first_line(self):
        limit = time.monotonic() + READY_SECONDS_MAX
        while not self._told() and self.running() and time.monotonic() < limit:
            time.sleep(0.02)
        if not self.running():
            self._reader.join(10)
        if not self._told():
            raise ChaosError(f"a caller did not begin: {self.log()[-2000:]}")

    def _told(self):
        return bool(self.latest) or self.summary is not None

    def errors(self):
        return sum(self.latest.get("errors", {}).values())

    def finish(self):
        """Starts no more calls, waits for those under way. Returns the summary."""
        self.signal(signal.SIGTERM)
        return self.await_end(60)

    def await_end(self, seconds):
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise ChaosError("a caller did not end") from None
        self._reader.join(10)
        if self.summary is None:
            raise ChaosError(f"a caller ended without its summary: {self.log()[-2000:]}")
        return self.summary

    def close(self):
        if self.running():
            self.process.kill()
        self.process.wait()
        self._reader.join(10)
        self.process.stdout.close()
