# SPDX-License-Identifier: Apache-2.0
"""What strangers do to a program's descriptors and memory, seen from outside. See programs.py for what
the environment has to name; FIXED_ENTROPY is a library that takes the kernel's chance away."""

import contextlib
import ctypes
import errno
import os
import pathlib
import resource
import select
import socket
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "chaos"))

import zmtp  # noqa: E402
from programs import Node, Process, ProgramTest, dunlin, wait_until  # noqa: E402


class LimitedNode(Node):
    """A node that may have this many descriptors."""

    def __init__(self, descriptors, *arguments):
        Process.__init__(self, "node", "--listen", "tcp://127.0.0.1:0", "--lanes", "1", "--module",
                         os.environ["BENCH_MODULE"], *arguments,
                         preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE,
                                                               descriptors))
        self.endpoint = self.line().split()[3]


def processor_seconds(process):
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(process):
    with open(f"/proc/{process.pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class DescriptorTest(ProgramTest):
    @unittest.skipIf("undefined" in os.environ["DUNLIN_SANITIZE"],
                     "this sanitizer needs descriptors of its own, and takes their lack for an error")
    def test_a_node_without_descriptors_rests_says_so_and_serves_again(self):
        with LimitedNode((64, 64)) as node, contextlib.ExitStack() as crowd:
            connections = []
            for _ in range(150):
                each = crowd.enter_context(contextlib.closing(socket.socket()))
                each.setblocking(False)
                self.assertIn(each.connect_ex(zmtp.address(node.endpoint)),
                              (0, errno.EINPROGRESS))
                connections.append(each)
            began, used = time.monotonic(), processor_seconds(node.process)
            # All are ended: those for which there is no room at once, the rest as they say nothing.
            for each in connections:
                select.select([], [each], [], zmtp.WAIT_SECONDS_MAX)  # connected, or refused
                zmtp.wait_until_ended(each)
            used = processor_seconds(node.process) - used
            self.assertLess(used, 0.3 * (time.monotonic() - began) + 0.5)
            self.assertIn(node.log().count("raise the limit"), (1, 2), node.log())
            self.assertEqual(dunlin("invoke", "bench/echo", "1", "--node", node.endpoint).stdout,
                             "1\n")


class MemoryTest(ProgramTest):
    def test_what_a_flood_took_is_given_back(self):
        with Node("--lanes", "1", "--queue-bytes-max", "256MiB") as node:
            before = resident_bytes(node.process)
            # Small parts of a message that never ends: memory in many pieces.
            parts = zmtp.part(b"x" * 100, zmtp.MORE) * 1000
            with contextlib.closing(zmtp.Peer(zmtp.address(node.endpoint))) as flood:
                # A gigabyte, of which a part is taken.
                self.assertTrue(zmtp.send_until_ended(flood.socket, parts, 10_000))
            wait_until(lambda: node.stats().get("memory_given_back", 0) > 0, "memory given back")
            if not os.environ["DUNLIN_SANITIZE"]:  # a sanitizer's allocator keeps what it has
                wait_until(lambda: resident_bytes(node.process) < before + (64 << 20),
                           "a small process")


class RoutingIdTest(ProgramTest):
    def test_claims_of_the_ids_that_come_next_end_with_their_connections(self):
        # Nobody knows the count of a real node; this one gets zeros for chance.
        libc = ctypes.CDLL(None)
        libc.srand(0)
        first = libc.rand() | (libc.rand() & 1) << 31
        without_chance = {
            **os.environ, "LD_PRELOAD": os.environ["FIXED_ENTROPY"],
            # The address sanitizer wants to be the first that is loaded.
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        node = Node("--lanes", "1", env=without_chance)
        with node, contextlib.ExitStack() as claims:
            at = zmtp.address(node.endpoint)
            for ahead in range(60, 90):
                number = (first + ahead).to_bytes(8, "big")[-4:]
                with contextlib.suppress(OSError, zmtp.Closed):  # the first are noticed soon
                    claims.enter_context(contextlib.closing(zmtp.Peer(at, b"\0" + number)))
            for _ in range(120):
                with contextlib.suppress(OSError, zmtp.Closed):
                    zmtp.Peer(at).close()
            self.assertIsNone(node.process.poll(), node.log())
            wait_until(lambda: node.stats().get("routing_ids_claimed", 0) > 0, "a claim noticed")


if __name__ == "__main__":
    unittest.main()
