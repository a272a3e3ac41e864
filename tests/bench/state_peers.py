# SPDX-License-Identifier: Apache-2.0
"""Who keeps counters beside Dunlin: Redis, PostgreSQL, and a gRPC service in front of Redis.

Each is started here, on loopback or a socket in a folder of its own that is beside those of nodes, and stopped with
its `with` statement. All of them answer when the change is on the disk, as a node does.
"""

from __future__ import annotations

import csv
import os
import pwd
import re
import shutil
import socket
import tempfile
from pathlib import Path

from comparison import peer_folder
from processes import MeasurementError, Server, run_for_json, run_for_output, without_errors

START_ATTEMPTS = 5
POSTGRES_FOLDERS = "/usr/lib/postgresql/*/bin"
PGBENCH_CONNECTIONS = 64
PGBENCH_THREADS = 2


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RedisServer(Server):
    """With its log synced before each answer, and nothing else written beside it."""

    def __init__(self, port: int):
        self.port = port
        super().__init__([
            "redis-server", "--bind", "127.0.0.1", "--port", port, "--dir", "./", "--appendonly", "yes",
            "--appendfsync", "always", "--save", "", "--auto-aof-rewrite-percentage", "0", "--daemonize", "no",
        ])  # fmt: skip

    @staticmethod
    def missing() -> str:
        absent = [program for program in ("redis-server", "redis-benchmark") if shutil.which(program) is None]
        return f"{' and '.join(absent)} not installed (packages redis-server, redis-tools)" if absent else ""

    @staticmethod
    def started() -> RedisServer:
        """Redis takes no port of the system's choice, so one that is free a moment before is tried."""
        for attempt in range(START_ATTEMPTS):
            server = RedisServer(free_port())
            try:
                server.await_line(r"(Ready to accept connections)")
                return server
            except BaseException as problem:
                server.stop()
                if not isinstance(problem, MeasurementError) or attempt + 1 == START_ATTEMPTS:
                    raise
        raise AssertionError("not reached")

    def increments(self, requests: int, connections: int, pipeline: int, keys: int) -> dict:
        """One INCR after another by redis-benchmark, on keys that it draws."""
        output = run_for_output([
            "redis-benchmark", "-p", self.port, "-n", requests, "-c", connections, "-P", pipeline, "-r", keys,
            "--csv", "INCR", "counter:__rand_int__",
        ])  # fmt: skip
        rows = list(csv.DictReader(output.splitlines()))
        if not rows or "rps" not in rows[-1]:
            raise MeasurementError("redis-benchmark printed no figures")
        return {"per_second": float(rows[-1]["rps"]), "p50_us": float(rows[-1]["p50_latency_ms"]) * 1e3}


class PostgresServer(Server):
    """With its defaults, on a socket in its folder. Root may not run one, so then it is user `postgres`."""

    def __init__(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="dunlin-bench-")
        self.folder = folder.name
        self._bin = PostgresServer._programs()
        as_owner: list[str] = []
        try:
            if os.geteuid() == 0:
                owner = pwd.getpwnam("postgres")
                os.chown(self.folder, owner.pw_uid, owner.pw_gid)
                as_owner = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
            data = f"{self.folder}/db"
            run_for_output([
                *as_owner, self._bin / "initdb", "-D", data, "-U", "dunlin", "-A", "trust", "-E", "UTF8", "--locale=C",
            ], folder=self.folder)  # fmt: skip
        except BaseException:
            folder.cleanup()
            raise
        super().__init__([
            *as_owner, self._bin / "postgres", "-D", data, "-k", self.folder, "-c", "listen_addresses=",
            "-c", "log_checkpoints=off",
        ], log_stream="stderr", folder=folder)  # fmt: skip
        self.name = "postgres"

    @staticmethod
    def _programs() -> Path | None:
        folders = sorted(Path("/").glob(POSTGRES_FOLDERS.lstrip("/")), key=lambda each: int(each.parts[-2]))
        return folders[-1] if folders else None

    @staticmethod
    def missing() -> str:
        programs = PostgresServer._programs()
        if programs is None or not (programs / "initdb").exists():
            return "PostgreSQL is not installed (package postgresql)"
        if not (programs / "pgbench").exists():
            return "pgbench is not installed (package postgresql)"
        if os.geteuid() == 0 and "postgres" not in {each.pw_name for each in pwd.getpwall()}:
            return "PostgreSQL does not run as root, and there is no user postgres"
        return ""

    def __enter__(self) -> PostgresServer:
        try:
            self.await_line(r"(ready to accept connections)")
        except BaseException:
            self.stop()
            raise
        return self

    def make_database(self, name: str) -> str:
        """@returns what a node is to be given."""
        run_for_output([self._bin / "createdb", "-h", self.folder, "-U", "dunlin", name])
        return f"postgres://dunlin@/{name}?host={self.folder}"

    def make_counters(self, database: str, keys: int) -> None:
        self._run(database, "create table counters (key bigint primary key, value bigint not null) with (fillfactor = 70)")
        self._run(database, f"insert into counters select key, 0 from generate_series(0, {keys - 1}) key")
        self._run(database, "vacuum analyze counters")

    def _run(self, database: str, sql: str) -> None:
        run_for_output([self._bin / "psql", "-q", "-h", self.folder, "-U", "dunlin", "-d", database, "-c", sql])

    def increments(self, requests: int, database: str, keys: int) -> dict:
        """One prepared UPDATE of one row after another, on each of 64 connections, by pgbench."""
        script = Path(self.folder) / "increment.sql"
        script.write_text(f"\\set key random(0, {keys - 1})\nUPDATE counters SET value = value + 1 WHERE key = :key;\n")
        output = run_for_output([
            self._bin / "pgbench", "-n", "-M", "prepared", "-c", PGBENCH_CONNECTIONS, "-j", PGBENCH_THREADS,
            "-t", max(1, requests // PGBENCH_CONNECTIONS), "-f", script, "-h", self.folder, "-U", "dunlin", database,
        ])  # fmt: skip
        found = re.search(r"^tps = ([\d.]+)", output, re.MULTILINE)
        failed = re.search(r"^number of failed transactions: (\d+)", output, re.MULTILINE)
        if found is None or (failed and int(failed.group(1)) != 0):
            raise MeasurementError("pgbench printed no figure, or transactions failed")
        return {"per_second": float(found.group(1))}


class StackServer(Server):
    """A gRPC service that increments in Redis, one blocking connection for each of its threads."""

    def __init__(self, build_dir: Path, redis: RedisServer):
        self._program = StackServer._path(build_dir)
        super().__init__([self._program, "server", "--redis", redis.port])
        self._port = 0

    @staticmethod
    def _path(build_dir: Path) -> Path:
        return peer_folder(build_dir) / "grpc_redis"

    @staticmethod
    def missing(build_dir: Path) -> str:
        if not StackServer._path(build_dir).exists():
            return "grpc_redis is not built; the output of cmake names the package it lacks"
        return RedisServer.missing()

    def __enter__(self) -> StackServer:
        try:
            self._port = int(self.await_line(r"^(\d+)$"))
        except BaseException:
            self.stop()
            raise
        return self

    def increments(self, requests: int, window: int, keys: int) -> dict:
        argv = [self._program, "client", "--port", self._port, "--requests", requests, "--window", window, "--keys", keys]
        return without_errors("grpc_redis", run_for_json(argv))
