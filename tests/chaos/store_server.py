# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL of a case's own, on a port of its own, and gone with the case.

Root may not run one, so it is then run as user `postgres`, whom Debian's package makes. It syncs as it
always does. In a network of hosts it listens on its host's address.
"""

import glob
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from network import NotPermitted
from processes import ChaosError, Ports

READY_SECONDS_MAX = 60
USER = "dunlin"


def programs_folder():
    """Where initdb and postgres are: of the newest version."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"),
                   key=lambda path: int(path.split("/")[4]))
    if not found:
        raise NotPermitted("there is no PostgreSQL (package postgresql)")
    return pathlib.Path(found[-1]).parent


class Postgres:
    """Use it in a `with` statement."""

    def __init__(self, network=None, host=None):
        self._prefix = network.prefix(host) if network else []
        self.address = network.address(host) if network else "127.0.0.1"
        self.port = Ports().take()
        self._bin = programs_folder()
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="dunlin-chaos-pg-"))
        self._process = None

    def __enter__(self):
        try:
            if os.geteuid() == 0:
                shutil.chown(self._folder, "postgres", "postgres")
            made = subprocess.run(
                [*self._as_server(), self._bin / "initdb", "-D", self._folder / "db", "-U", USER,
                 "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
                capture_output=True, text=True, check=False)
            if made.returncode != 0:
                raise ChaosError(f"initdb: {made.stderr.strip()}")
            with open(self._folder / "db/pg_hba.conf", "a") as rules:
                rules.write("host all all 10.77.0.0/24 trust\n")
            self.start()
            self._run("create database dunlin")
            return self
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _as_server(self):
        who = (["--reuid=postgres", "--regid=postgres", "--clear-groups"]
               if os.geteuid() == 0 else [])
        # It ends when this process does, in whatever way.
        return [*self._prefix, "setpriv", *who, "--pdeathsig", "KILL"]

    def start(self):
        """Returns when it takes connections."""
        with open(self._folder / "log", "ab") as log:
            self._process = subprocess.Popen(
                [*self._as_server(), self._bin / "postgres", "-D", self._folder / "db",
                 "-k", self._folder, "-p", str(self.port), "-c",
                 f"listen_addresses={self.address}", "-c", "max_connections=100"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        limit = time.monotonic() + READY_SECONDS_MAX
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > limit:
                raise ChaosError(f"PostgreSQL did not start: {self.log()[-1000:]}")
            time.sleep(0.02)

    def _answers(self):
        return subprocess.run([self._bin / "pg_isready", "-q", "-h", self._folder, "-p",
                               str(self.port)], check=False).returncode == 0

    def stop(self):
        """At once, as if its machine had crashed."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
        self._process = None

    def _run(self, sql):
        ran = subprocess.run([self._bin / "psql", "-h", self._folder, "-p", str(self.port), "-U",
                              USER, "-d", "postgres", "-qc", sql],
                             capture_output=True, text=True, check=False)
        if ran.returncode != 0:
            raise ChaosError(f"psql: {ran.stderr.strip()}")

    def log(self):
        return (self._folder / "log").read_text(errors="replace")

    def url(self, address=None, port=None):
        # Without encryption, so that what is said can be followed on the way.
        return (f"postgres://{USER}@{address or self.address}:{port or self.port}/dunlin"
                "?sslmode=disable&gssencmode=disable")
