# SPDX-License-Identifier: Apache-2.0
"""Dunlin and its peers on the same closed loop, side by side.

A figure means little by itself: the contestants of a workload take turns (rounds.py), Dunlin is
divided by the peer of the same round, and the median of those ratios is what a target is held
against.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import shutil
from pathlib import Path
from typing import Callable, Iterator

from processes import DunlinCluster, DunlinNode, MeasurementError, Server, run_for_json, without_errors
from report import Progress, Row, Target, at_least, at_most, duration, measured, rate, version_of
from rounds import OURS, Contestant, alternate, fill_ratio, requests_of

PEERS = ("zeromq", "grpc", "caf", "nats")
ONE_HOP = "onehop"  # Dunlin itself, asked at the node that serves the function
UNTARGETED_ROUNDS_MAX = 2
RUN_SECONDS = 1.5
QUICK_RUN_SECONDS = 0.3


@dataclasses.dataclass(frozen=True)
class Measure:
    field: str
    title: str
    show: Callable[[float], str]


PER_SECOND = Measure("per_second", "calls/s", rate)
P50 = Measure("p50_us", "p50", duration)


@dataclasses.dataclass(frozen=True)
class Workload:
    size_bytes: int
    window: int
    measure: Measure
    targets: dict  # peer -> Target, or None for a ratio that is only reported
    hops: int = 1

    @property
    def requests_min(self) -> int:
        return self.window * 10

    @property
    def title(self) -> str:
        size = f"{self.size_bytes // 1024}KiB" if self.size_bytes >= 1024 else f"{self.size_bytes}B"
        hops = f"{self.hops}hops/" if self.hops > 1 else ""
        return f"{hops}{size}/{self.window}"

    def row_name(self, peer: str) -> str:
        return f"{self.title}/{peer}"


WORKLOADS = (
    Workload(64, 512, PER_SECOND, {"zeromq": at_least(1.0), "grpc": None, "caf": None, "nats": None}),
    Workload(64, 64, PER_SECOND, {"zeromq": at_least(1.0), "grpc": at_least(8), "caf": at_least(4), "nats": at_least(5)}),
    Workload(64, 1, P50, {"zeromq": at_most(1.15), "grpc": None, "caf": None, "nats": None}),
    Workload(1024, 64, PER_SECOND, {"zeromq": at_least(0.9)}),
    Workload(65536, 16, PER_SECOND, {"zeromq": at_least(0.9)}),
    Workload(64, 64, PER_SECOND, {"nats": at_least(2.0), "zeromq": at_least(1.0), ONE_HOP: None}, hops=2),
    Workload(64, 1, P50, {"zeromq": at_most(1.15), ONE_HOP: None, "nats": None}, hops=2),
)  # fmt: skip


def wanted_of(workload: Workload, only: re.Pattern) -> list[str]:
    return [peer for peer in workload.targets if only.search(workload.row_name(peer))]


def row_names() -> list[str]:
    return [workload.row_name(peer) for workload in WORKLOADS for peer in workload.targets]


class DunlinContestant:
    """Runs against a node that somebody else started, and that serves every workload.

    The node is left awake while the peers run: idling cheaply is its own business.
    """

    def __init__(self, node: DunlinNode):
        self._node = node

    def run(self, workload: Workload, requests: int) -> dict:
        return self._node.bench("bench/echo", requests, workload.window, workload.size_bytes)


class PeerContestant:
    """Its servers are frozen whenever it is not its turn: some peers poll even when idle, and the
    next contestant must not pay for that. Bare ZeroMQ does not, and is left awake like Dunlin's
    node, so that the two it all is about start their runs in the same state."""

    _QUIET_WHEN_IDLE = ("zeromq",)

    def __init__(self, name: str, program: Path, port: int, servers: list[Server]):
        self._name = name
        self._program = program
        self._port = port
        self._frozen = [] if name in self._QUIET_WHEN_IDLE else servers
        self._freeze()

    def run(self, workload: Workload, requests: int) -> dict:
        argv = [
            self._program, "client", "--port", self._port, "--requests", requests,
            "--window", workload.window, "--size", workload.size_bytes,
        ]  # fmt: skip
        for server in self._frozen:
            server.thaw()
        try:
            return without_errors(self._name, run_for_json(argv))
        finally:
            self._freeze()

    def _freeze(self) -> None:
        for server in self._frozen:
            server.freeze()


def peer_folder(build_dir: Path) -> Path:
    return build_dir / "bench-peers"


def peer_program(build_dir: Path, peer: str) -> Path:
    return peer_folder(build_dir) / f"{peer}_echo"


def relay_program(build_dir: Path) -> Path:
    return peer_folder(build_dir) / "zeromq_relay"


def nats_server_program() -> str | None:
    return shutil.which("nats-server") or shutil.which("/usr/sbin/nats-server")


def missing_part(build_dir: Path, peer: str, hops: int = 1) -> str:
    """Why a peer cannot take part; empty when it can."""
    if peer == "zeromq" and hops > 1 and not relay_program(build_dir).exists():
        return "zeromq_relay is not built; build again"
    if not peer_program(build_dir, peer).exists():
        return f"{peer}_echo is not built; the output of cmake names the package it lacks"
    if peer == "nats" and nats_server_program() is None:
        return "nats-server is not installed"
    return ""


@contextlib.contextmanager
def started_peer(build_dir: Path, peer: str, workload: Workload) -> Iterator[PeerContestant]:
    program = peer_program(build_dir, peer)
    argv = [program, "server", "--window", workload.window]
    with contextlib.ExitStack() as running:
        servers = []
        if peer == "nats":
            broker_argv = [nats_server_program(), "-a", "127.0.0.1", "-p", "-1"]
            servers.append(running.enter_context(Server(broker_argv, log_stream="stderr")))
            argv += ["--port", servers[0].await_line(r"Listening for client connections on .*:(\d+)$")]
        servers.append(running.enter_context(Server(argv)))
        port = int(servers[-1].await_line(r"^(\d+)$"))
        if peer == "zeromq" and workload.hops > 1:
            servers.append(running.enter_context(Server([relay_program(build_dir), "--port", port])))
            port = int(servers[-1].await_line(r"^(\d+)$"))
        yield PeerContestant(peer, program, port, servers)


def requests_for(contestant, workload: Workload, seconds: float) -> int:
    return requests_of(lambda requests: contestant.run(workload, requests), workload.requests_min, seconds)


class Comparison:
    def __init__(self, build_dir: Path, rounds: int, quick: bool, progress: Progress):
        self._build_dir = build_dir
        self._rounds = rounds
        self._seconds = QUICK_RUN_SECONDS if quick else RUN_SECONDS
        self._progress = progress
        self.runs: list[dict] = []  # every counted run, for the JSON report

    def rows(self, only: re.Pattern) -> Iterator[Row]:
        for hops in sorted({workload.hops for workload in WORKLOADS}):
            chosen = [(workload, wanted_of(workload, only)) for workload in WORKLOADS if workload.hops == hops]
            if not any(wanted for _, wanted in chosen):
                continue
            with DunlinNode(self._build_dir) if hops == 1 else DunlinCluster(self._build_dir) as started:
                for workload, wanted in chosen:
                    if wanted:
                        yield from self._compare(workload, wanted, started)

    def _compare(self, workload: Workload, wanted: list[str], started: DunlinNode | DunlinCluster) -> list[Row]:
        rows = {peer: self._blank_row(workload, peer) for peer in wanted}
        figures: dict[str, dict[int, dict]] = {}
        with contextlib.ExitStack() as running:
            node = started.entry if workload.hops > 1 else started
            contestants = {OURS: self._contestant(workload, DunlinContestant(node), self._rounds)}
            for peer, row in rows.items():
                if peer == ONE_HOP:
                    contestants[peer] = self._contestant(workload, DunlinContestant(started.serving), self._rounds)
                    continue
                row.skipped = missing_part(self._build_dir, peer, workload.hops)
                if not row.skipped:
                    server = started_peer(self._build_dir, peer, workload)
                    self._enter(workload, contestants, running, peer, server, row)
            if len(contestants) > 1:
                figures = self._run_rounds(workload, contestants, rows)
        for peer, row in rows.items():
            if not row.skipped and not row.failure:
                measure = workload.measure
                measured(row, lambda row, peer=peer: fill_ratio(row, measure.field, measure.show, figures, peer))
        return list(rows.values())

    def _blank_row(self, workload: Workload, peer: str) -> Row:
        return Row(workload.row_name(peer), workload.measure.title, unit="ratio", target=workload.targets[peer])

    def _contestant(self, workload: Workload, who, rounds: int) -> Contestant:
        return Contestant(lambda requests: who.run(workload, requests), workload.requests_min, rounds)

    def _enter(
        self, workload: Workload, contestants: dict, running: contextlib.ExitStack, peer: str, server, row: Row
    ) -> None:
        rounds = self._rounds if row.target else min(self._rounds, UNTARGETED_ROUNDS_MAX)
        try:
            contestants[peer] = self._contestant(workload, running.enter_context(server), rounds)
        except MeasurementError as problem:
            row.failure = str(problem)

    def _run_rounds(self, workload: Workload, contestants: dict, rows: dict[str, Row]) -> dict:
        figures, failures = alternate(workload.title, contestants, self._rounds, self._seconds, self._progress)
        for peer, row in rows.items():
            row.failure = row.failure or failures.get(peer, "") or failures.get(OURS, "")
        self._keep_runs(figures)
        return figures

    def _keep_runs(self, figures: dict) -> None:
        for name, by_round in figures.items():
            self.runs += [run | {"peer": name, "round": index} for index, run in by_round.items()]


def versions(build_dir: Path) -> dict:
    found = {"dunlin": version_of([build_dir / "bin" / "dunlin", "version"])}
    for peer in PEERS:
        if not missing_part(build_dir, peer):
            found[peer] = version_of([peer_program(build_dir, peer), "version"])
    if (broker := nats_server_program()) is not None:
        found["nats-server"] = version_of([broker, "--version"])
    return found
