# SPDX-License-Identifier: Apache-2.0
"""A node that is stopped for a while, as a stranger sees it who knows only sdk/WIRE.md.

What is sent meanwhile lies in buffers until the node goes on. See python_client_test.py for what the
environment has to name.
"""

import signal
import unittest

import python_client as wire
from python_client_test import SECOND_US, Node


class PauseTest(unittest.TestCase):
    """A node that is stopped for a while, and finds what was sent meanwhile in its buffers."""

    def setUp(self):
        self.node = Node()
        self.addCleanup(self.node.close)
        self.client = self.node.connect(timeout_s=20)
        self.addCleanup(self.client.close, polite=False)

    def stats(self):
        return self.client.call("dunlin/stats").value

    def runs(self, function):
        return next(each["invocations"] for each in self.stats()["functions"]
                    if each["name"] == function)

    def test_a_call_whose_deadline_passed_in_a_buffer_does_not_run(self):
        self.assertEqual(self.client.call("bench/echo", 1).value, 1)
        before = self.runs("bench/echo")
        self.node.stop_running()
        late = self.client.start("bench/echo", 2, remaining_us=200_000)
        patient = self.client.start("bench/echo", 3, remaining_us=60 * SECOND_US)
        # What its caller does until the deadline, and a little longer: it waits for an answer.
        self.client.timeout_s = 0.5
        with self.assertRaises(wire.Timeout):
            self.client.answer_to(late)
        self.client.timeout_s = 20
        self.node.signal(signal.SIGCONT)
        answer = self.client.answer_to(late)
        self.assertEqual(answer.code, wire.DEADLINE_EXCEEDED, answer)
        self.assertTrue(answer.did_not_run, answer)
        self.assertEqual(self.client.answer_to(patient).value, 3)
        self.assertEqual(self.stats()["calls_overdue"], 1)
        self.assertEqual(self.runs("bench/echo"), before + 1)

    def test_a_client_that_does_not_say_when_it_sends_has_its_calls_run(self):
        self.assertEqual(self.client.call("bench/echo", 1).value, 1)
        self.node.stop_running()
        call_id = self.client.new_id()
        self.client.send(wire.invoke(call_id, "bench/echo", b"\x02", remaining_us=2 * SECOND_US))
        self.client.timeout_s = 2.5
        with self.assertRaises(wire.Timeout):
            self.client.answer_to(call_id)
        self.client.timeout_s = 20
        self.node.signal(signal.SIGCONT)
        self.assertEqual(self.client.answer_to(call_id).value, 2)
        self.assertEqual(self.stats()["calls_overdue"], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
