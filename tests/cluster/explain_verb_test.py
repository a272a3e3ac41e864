# SPDX-License-Identifier: Apache-2.0
"""The verb `explain` against real nodes: what they decided, and why. See programs.py for what the
environment has to name."""

import contextlib
import fcntl
import json
import os
import re
import signal
import subprocess
import unittest

from programs import (Cluster, Node, Process, ProgramTest, WAIT_SECONDS_MAX, binary, dunlin,
                      wait_until)

LONG_CALL = ("bench/sleep", '{"us": 600000000}')
SENTENCE = re.compile(r"\A\d\d:\d\d:\d\d\.\d{3} (\S+) (.*): ([^:(]+)( \(.+\))?\Z")
# The end of an error, as a person copies it.
COMMAND = re.compile(r"\(dunlin (explain \S+ --record \S+)\)")
SMALL = ("--activations", "1", "--queue-depth-max", "1")
# What was asked for at the start is the first decision about each function.
EIGHT = ("--activations", "8")


@contextlib.contextmanager
def full_queue(node):
    """Its one activation is taken, and so is the one place in its queue."""
    with contextlib.ExitStack() as calls:
        for expected in ({"busy": 1, "queue_depth": 0}, {"busy": 1, "queue_depth": 1}):
            calls.enter_context(Process("invoke", *LONG_CALL, "--timeout", "1h", "--node",
                                        node.endpoint))
            wait_until(lambda wanted=expected: wanted.items() <=
                       node.functions()["bench/sleep"].items(), f"{expected}")
        yield


def refuse_one(node):
    return dunlin("invoke", *LONG_CALL, "--timeout", "1h", "--node", node.endpoint)


class ExplainTest(ProgramTest):
    def test_a_refused_call_leads_to_the_record_of_the_decision(self):
        with Node("--name", "n1", "--drain-timeout", "50ms", *SMALL) as node, full_queue(node):
            refused = refuse_one(node)
            self.assert_exit(refused, 1)
            command = COMMAND.search(refused.stderr)[1].split()
            self.assertEqual(command[:2], ["explain", "bench/sleep"])
            self.assertRegex(command[3], r"\An1/\d+\Z")

            shown = dunlin(*command, "--node", node.endpoint)
            self.assert_exit(shown, 0)
            name, deed, rule, inputs = SENTENCE.match(shown.stdout.rstrip("\n")).groups()
            self.assertEqual((name, deed, rule),
                             ("n1", "refused one call of bench/sleep", "its queue was full"))
            self.assertIn("queued 1", inputs)
            self.assertIn("busy 1", inputs)

            # The number alone, and all that is known.
            number = int(command[3].split("/")[1])
            listed = dunlin("explain", "--record", str(number), "--json", "--node", node.endpoint)
            (record,) = json.loads(listed.stdout)
            self.assertEqual(
                {key: record[key] for key in ("node", "number", "kind", "function", "of",
                                              "amount", "count", "before", "after")},
                {"node": "n1", "number": number, "kind": "refuse", "function": "bench/sleep",
                 "of": "calls", "amount": 1, "count": 1, "before": 0, "after": 1})
            self.assertEqual(record["inputs"]["queued_max"], 1)
            self.assertRegex(record["time"], r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\Z")

            # Of another function, or of nobody.
            self.assert_complaint(
                dunlin("explain", "bench/echo", *command[2:], "--node", node.endpoint), 1,
                f"record {number} of n1 is about bench/sleep, not bench/echo")
            self.assert_complaint(
                dunlin("explain", "--record", "n1/999999", "--node", node.endpoint), 1,
                "no record 999999 of n1")
            self.assert_complaint(
                dunlin("explain", "--record", "n9/1", "--node", node.endpoint), 1,
                "no living node is called n9")

    def test_a_flood_of_refusals_is_a_few_records_that_count_it(self):
        with Node("--name", "n1", "--drain-timeout", "50ms", *SMALL) as node, full_queue(node):
            self.assert_exit(dunlin("bench", "bench/sleep", "--payload", '{"us": 1}', "--requests",
                                    "5000", "--warmup", "1", "--node", node.endpoint), 1)
            listed = json.loads(dunlin("explain", "bench/sleep", "--json", "--node",
                                       node.endpoint).stdout)
            refusals = [each for each in listed if each["kind"] == "refuse"]
            refused = {each["name"]: each["refused"] for each in node.stats()["functions"]}
            self.assertGreaterEqual(refused["bench/sleep"], 5000)
            self.assertEqual(sum(each["amount"] for each in refusals), refused["bench/sleep"])
            # One for each second that it took.
            seconds = (refusals[-1]["last_us"] - refusals[0]["time_us"]) / 1e6
            self.assertLessEqual(len(refusals), 1 + seconds)

    def test_decisions_of_all_nodes_are_put_together_by_time(self):
        with Cluster(3, *EIGHT) as cluster:
            for asked in cluster.nodes:
                ran = dunlin("explain", "bench/echo", "--node", cluster.endpoint(asked))
                self.assert_exit(ran, 0)
                lines = ran.stdout.splitlines()
                self.assertEqual([SENTENCE.match(line)[1] for line in lines], ["n1", "n2", "n3"])
                self.assertEqual(lines, sorted(lines))
            listed = json.loads(dunlin("explain", "--limit", "2", "--json", "--node",
                                       cluster.endpoint("n2")).stdout)
            self.assertEqual(len(listed), 2)
            self.assertLessEqual(listed[0]["time_us"], listed[1]["time_us"])

    def test_a_node_that_does_not_answer_is_named_and_the_others_are_shown(self):
        with Cluster(2, "--suspicion", "30s", *EIGHT) as cluster:
            cluster.pause("n2")
            try:
                ran = dunlin("explain", "bench/echo", "--node", cluster.endpoint("n1"),
                             "--timeout", "300ms")
            finally:
                cluster.resume("n2")
            self.assert_complaint(ran, 0, "dunlin: node n2: ")
            self.assertEqual(ran.stdout.count(" n1 "), 1)

    def test_what_does_not_exist_is_said_with_what_to_do(self):
        with Node(*EIGHT) as node:
            at = ("--node", node.endpoint)
            self.assert_complaint(dunlin("explain", "bench/eccho", *at), 1,
                                  "function bench/eccho", "did you mean bench/echo?")
            self.assert_complaint(dunlin("explain", "zzzzzzzzzz/qqqqqq", *at), 1,
                                  "`dunlin functions` lists those there are")
            self.assert_complaint(dunlin("explain", "bench/eccho", "--follow", *at), 1,
                                  "did you mean bench/echo?")
            nothing = dunlin("explain", "dunlin/stats", *at)
            self.assert_exit(nothing, 0)
            self.assertEqual(nothing.stdout,
                             "nothing has been decided about dunlin/stats so far\n")
            self.assertEqual(dunlin("explain", "dunlin/stats", "--json", *at).stdout, "[]\n")
        self.assert_complaint(dunlin("explain", "--record", "first"), 2, "--record: 'first'")
        self.assert_complaint(dunlin("explain", "--record", "1", "--follow"), 2, "exclude")
        self.assert_complaint(dunlin("explain", "--limit", "0"), 2, "--limit")
        self.assert_complaint(
            dunlin("explain", "--node", "tcp://127.0.0.1:9", "--connect-timeout", "100ms"), 3,
            "unavailable: no node answered")

    def test_the_function_refuses_a_question_that_is_none(self):
        with Node(*EIGHT) as node:
            ran = dunlin("invoke", "dunlin/explain", '{"limit": "all"}', "--node", node.endpoint)
            self.assert_complaint(ran, 1, "invalid_argument: dunlin/explain: limit")
            told = json.loads(dunlin("invoke", "dunlin/explain",
                                     '{"function": "bench/echo", "after": 0, "limit": 5}',
                                     "--node", node.endpoint).stdout)
            self.assertEqual([each["kind"] for each in told["records"]], ["set"])
            self.assertTrue(told["known"])


class FollowTest(ProgramTest):
    def test_what_is_decided_is_followed_until_a_signal(self):
        with Node("--name", "n1", "--drain-timeout", "50ms", *SMALL) as node, full_queue(node):
            with Process("explain", "bench/sleep", "--follow", "--node", node.endpoint) as shown, \
                    Process("explain", "bench/sleep", "--follow", "--json", "--node",
                            node.endpoint) as listed:
                self.assertRegex(shown.line(), "set the activations of bench/sleep to 1")
                self.assertEqual(json.loads(listed.line())["kind"], "set")
                self.assertRegex(shown.line(), "started .* of bench/sleep: no activation was idle")
                self.assertEqual(json.loads(listed.line())["kind"], "start")
                for _ in range(2):
                    refused = refuse_one(node)
                    number = int(COMMAND.search(refused.stderr)[1].rsplit("/", 1)[1])
                    self.assertRegex(shown.line(), "refused one call of bench/sleep: its queue")
                    self.assertEqual(json.loads(listed.line())["number"], number)
                for each, number in ((shown, signal.SIGINT), (listed, signal.SIGTERM)):
                    each.signal(number)
                    self.assertEqual(each.wait(), 130, each.log())
                    self.assertEqual(each.rest(), "")
                    self.assertEqual(each.log(), "")

    def test_a_reader_that_is_gone_ends_it(self):
        with Node(*EIGHT) as node:
            reading, writing = os.pipe()
            follow = subprocess.Popen([binary(), "explain", "--follow", "--node", node.endpoint],
                                      stdout=writing, stderr=subprocess.PIPE)
            os.close(writing)
            try:
                self.assertTrue(os.read(reading, 1))
                os.close(reading)
                # Nothing more is decided, so nothing is written that could fail.
                _, said = follow.communicate(timeout=WAIT_SECONDS_MAX)
                self.assertEqual((follow.returncode, said), (0, b""))
            finally:
                follow.kill()
                follow.wait()

    def test_a_reader_that_does_not_read_holds_up_no_signal(self):
        with Node(*EIGHT) as node:
            reading, writing = os.pipe()
            size = fcntl.fcntl(writing, fcntl.F_GETPIPE_SZ)
            os.set_blocking(writing, False)
            self.assertEqual(os.write(writing, b"x" * size), size)
            os.set_blocking(writing, True)
            follow = subprocess.Popen([binary(), "explain", "--follow", "--node", node.endpoint],
                                      stdout=writing, stderr=subprocess.PIPE)
            os.close(writing)
            try:
                # Having been answered it has something to write, and no room for it.
                wait_until(lambda: any(each["name"] == "dunlin/explain" and each["invocations"] > 0
                                       for each in node.stats()["functions"]), "it has asked")
                follow.send_signal(signal.SIGINT)
                _, said = follow.communicate(timeout=WAIT_SECONDS_MAX)
                self.assertEqual((follow.returncode, said), (130, b""))
            finally:
                follow.kill()
                follow.wait()
                os.close(reading)

    def test_nodes_come_and_go_while_it_follows(self):
        with Cluster(2, *EIGHT) as cluster, \
                Process("explain", "bench/echo", "--follow", "--json", "--node",
                        cluster.endpoint("n1")) as follow:
            self.assertEqual([json.loads(follow.line())["node"] for _ in range(2)], ["n1", "n2"])
            cluster.add("n3")
            self.assertEqual(json.loads(follow.line())["node"], "n3")
            # Another life of it numbers its decisions from 1 again.
            cluster.restart("n2")
            again = json.loads(follow.line())
            self.assertEqual((again["node"], again["kind"]), ("n2", "set"))
            follow.signal(signal.SIGINT)
            self.assertEqual(follow.wait(), 130)

    def test_it_ends_when_no_node_answers_any_more(self):
        with Node(*EIGHT) as node, Process("explain", "--follow", "--node", node.endpoint, "--timeout",
                                     "300ms") as follow:
            follow.line()
            node.process.kill()
            self.assertEqual(follow.wait(), 1)
            self.assertTrue(follow.log().startswith("dunlin: "), follow.log())


if __name__ == "__main__":
    unittest.main()
