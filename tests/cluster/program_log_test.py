# SPDX-License-Identifier: Apache-2.0
"""What a node logs: that nobody's text breaks a line, that machines can read it, and that a node
serves on when nobody does. See programs.py for what the environment has to name."""

import fcntl
import json
import os
import re
import select
import signal
import time
import unittest

import msgpack

from programs import WAIT_SECONDS_MAX, Cluster, FaultsNode, Node, Process, ProgramTest, dunlin
from python_client import Client, invoke

TEXT_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (trace|debug|info|warn|error): \S.*")
FORGED = "evil\n2026-01-01T00:00:00.000Z warn: member died node=b\x1b[2J\x85\u2028 bytes=9 \"x"


def stop(node):
    """Ends a node and returns its log, line by line."""
    node.signal(signal.SIGTERM)
    if node.wait() != 0:
        raise AssertionError(node.log())
    return node.log().split("\n")[:-1]


class UnreadPipe:
    """Standard error of a node whose reader has stopped."""

    def __init__(self):
        self.read_end, self.write_end = os.pipe()
        fcntl.fcntl(self.write_end, fcntl.F_SETPIPE_SZ, 4096)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.read_end)
        os.close(self.write_end)

    def read_until(self, pattern):
        text = b""
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while not (found := re.search(pattern, text)):
            ready, _, _ = select.select([self.read_end], [], [],
                                        max(deadline - time.monotonic(), 0))
            if not ready:
                raise AssertionError(f"{pattern} did not come; the last: {text[-500:]}")
            text += os.read(self.read_end, 65536)
        return text, found


class LogTest(ProgramTest):
    faults = os.environ["FAULTS_MODULE"]

    def test_a_name_with_a_line_end_forges_no_log_line(self):
        with Node("--log-level", "debug") as node:
            with Client(node.endpoint, FORGED) as client:
                self.assertEqual(client.call("bench/echo", 1).value, 1)
            lines = stop(node)
        for line in lines:
            self.assertRegex(line, r"\A" + TEXT_LINE.pattern + r"\Z")
            self.assertTrue(line.isprintable(), line)
        told = [line for line in lines if "evil" in line]
        self.assertTrue(told)
        for line in told:
            self.assertIn('name="evil\\n2026-01-01T00:00:00.000Z warn: member died node=b\\x1b[2J'
                          '\\u0085\\u2028 bytes=9 \\"x"', line)

    def test_log_lines_as_json_have_their_values_as_keys(self):
        with FaultsNode("--log-level", "debug", "--log-format", "json", "--name", "n-1") as node:
            with Client(node.endpoint, FORGED) as client:
                self.assertEqual(client.call("bench/echo", 1).value, 1)
            self.assert_exit(dunlin("invoke", "faults/trace_of", '"me and \\"you\\" a=1"', "--node",
                                    node.endpoint), 0)
            lines = [json.loads(line) for line in stop(node)]
        for line in lines:
            self.assertEqual(list(line)[:3], ["time", "level", "message"])
            self.assertIn(line["level"], ("debug", "info", "warn", "error"))
            self.assertNotIn("=", line["message"])
        by_message = {line["message"]: line for line in lines}
        self.assertEqual(by_message["node starts"]["name"], "n-1")
        self.assertIn(by_message["node serves"]["lanes"], (1, 3))
        self.assertIn(FORGED, [line.get("name") for line in lines])
        of_function = by_message["asked for the trace"]
        self.assertEqual(of_function["level"], "warn")
        self.assertEqual(of_function["by"], 'me and "you" a=1')
        self.assertEqual(of_function["function"], "faults/trace_of")
        self.assertRegex(of_function["request"], r"\A[0-9a-f]{32}\Z")

    def test_a_request_has_one_name_on_every_node_and_in_every_call_it_causes(self):
        pass_on = json.dumps({"function": "faults/trace_of", "input": "inner", "key": ""})
        with Cluster(2) as cluster:
            cluster.add("n3", "--module", self.faults)
            cluster.wait_until_alive("n1", "n2", "n3")
            n1, n3 = cluster.nodes["n1"], cluster.nodes["n3"]
            # Forwarded by n1, as only n3 has them. A client of its own name for the call first, ...
            trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
            for function, value in (("faults/trace_of", '"outer"'), ("faults/pass_on", pass_on)):
                self.assert_exit(dunlin("invoke", function, value, "--trace", trace, "--node",
                                        n1.endpoint), 0)
            # ... then one that tells no trace and no origin: two calls, two names, each the same
            # for what the function calls.
            with Client(n1.endpoint) as client:
                inner = {"function": "faults/trace_of", "input": "unnamed", "key": ""}
                made = [client.call("faults/pass_on", inner).value for _ in range(2)]
            self.assertEqual(len(set(made)), 2)
            lines = stop(n3)
        named = "request=4bf92f3577b34da6a3ce929d0e0e4736"
        self.assertEqual(sum("by=outer" in line and named in line for line in lines), 1)
        self.assertEqual(sum("by=inner" in line and named in line for line in lines), 1)
        for trace in made:
            of_call = [line for line in lines if f"request={trace.split('-')[1]}" in line]
            self.assertEqual(len(of_call), 1)
            self.assertIn("by=unnamed", of_call[0])

    def test_a_node_serves_while_nobody_reads_its_log(self):
        name = "n" * 500  # each call logs it
        payload = msgpack.packb(name)
        with UnreadPipe() as unread, Process(
                "node", "--listen", "tcp://127.0.0.1:0", "--module", self.faults,
                errors_to=unread.write_end) as node:
            endpoint = node.line().split()[3]
            with Client(endpoint, timeout_s=WAIT_SECONDS_MAX) as client:
                asked = 0
                for _ in range(10):
                    calls = [invoke(asked + i + 1000, "faults/trace_of", payload)
                             for i in range(500)]
                    asked += len(calls)
                    client.send(*calls)
                    for call in calls:
                        self.assertEqual(client.answer_to(call[1]).value, "")
                dropped = client.call("dunlin/stats").value["log_lines_dropped"]
                self.assertGreater(dropped, 0)
                text, told = unread.read_until(
                    rb"log lines were dropped, as nobody read them in time lines=(\d+)\n")
                self.assertEqual(int(told[1]), dropped)
                # Each is there or counted. On a slow machine so are a few lines of the node's own.
                of_the_node = text.count(b"asked for the trace") + dropped - asked
                self.assertGreaterEqual(of_the_node, 0)
                self.assertLess(of_the_node, 10)
                for line in text.decode().split("\n")[:-1]:
                    self.assertRegex(line, r"\A" + TEXT_LINE.pattern + r"\Z")
                client.call("faults/trace_of", "again")
                unread.read_until(rb"asked for the trace by=again")
                self.assertEqual(client.call("dunlin/stats").value["log_lines_dropped"], dropped)

    def test_a_node_ends_although_nobody_reads_its_log(self):
        with UnreadPipe() as unread, Process(
                "node", "--listen", "tcp://127.0.0.1:0", "--module", self.faults,
                errors_to=unread.write_end) as node:
            endpoint = node.line().split()[3]
            with Client(endpoint) as client:
                for _ in range(20):
                    client.call("faults/trace_of", "n" * 900)
            node.signal(signal.SIGTERM)
            self.assertEqual(node.wait(), 0)


if __name__ == "__main__":
    unittest.main()
