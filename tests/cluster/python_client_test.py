# SPDX-License-Identifier: Apache-2.0
"""A real node, spoken to by a client that was written from sdk/WIRE.md alone.

DUNLIN_BINARY names the program and BENCH_MODULE the module with bench/echo and bench/sleep. Ports
are the system's choice, every wait has a limit and a name, and only the nodes started here are
ended. To know that a node has read what was sent, a test pings: a pong comes after everything
before its ping.
"""

import pathlib
import re
import signal
import time
import unittest

import msgpack

import programs
import python_client as wire
from python_client import Client

SECOND_US = 1_000_000


class Node(programs.Node):
    def connect(self, **options):
        return Client(self.endpoint, **options)

    def terminate(self):
        self.signal(signal.SIGTERM)


class ConversationTest(unittest.TestCase):
    """Tests that share a node, each with connections of its own."""

    @classmethod
    def setUpClass(cls):
        cls.node = Node()
        cls.addClassCleanup(cls.node.close)

    def connect(self, **options):
        client = self.node.connect(**options)
        self.addCleanup(client.close)
        return client

    def assert_failed(self, answer, code):
        self.assertEqual((answer.kind, answer.code), (wire.FAILURE, code), answer)

    def assert_echoes(self, client, value=b"x" * 64):
        answer = client.call("bench/echo", value)
        self.assertEqual(answer.kind, wire.REPLY, answer)
        self.assertEqual(answer.value, value)

    def assert_connection_failure(self, client):
        """One failure about the connection, which still works."""
        failure = client.take(lambda each: each[0] == wire.FAILURE and each[1] == 0,
                              "a failure about the connection")
        self.assertEqual(failure[2], wire.INVALID_ARGUMENT)
        self.assertNotEqual(failure[3], "")
        self.assert_echoes(client)
        self.assertEqual(client.unclaimed(), [])

    # -- handshake ---------------------------------------------------------------------------

    def test_a_hello_is_answered_with_the_nodes_facts(self):
        client = self.connect()
        self.assertNotEqual(client.node, "")
        self.assertGreaterEqual(client.payload_bytes_max, 1 << 20)
        self.assertGreater(client.in_flight_max, 0)
        self.assertIn(self.node.endpoint, client.endpoints)

    def test_a_call_need_not_wait_for_the_welcome(self):
        client = self.connect(say_hello=False)
        client.send(wire.hello("eager"), wire.invoke(1, "bench/echo", b"\x2a"))
        client.expect(wire.WELCOME)
        self.assertEqual(client.answer_to(1).payload, b"\x2a")

    def test_a_second_hello_gets_a_second_welcome(self):
        client = self.connect()
        client.handshake()
        self.assert_echoes(client)

    def test_a_call_before_hello_is_sent_away_and_a_hello_helps(self):
        client = self.connect(say_hello=False)
        client.send(wire.invoke(1, "bench/echo", b"\x2a"))
        goaway = client.expect(wire.GOAWAY)
        self.assertEqual(goaway[1:3], [wire.UNAUTHENTICATED, "say hello first"])
        client.handshake()
        self.assert_echoes(client)
        self.assertEqual(client.unclaimed(), [])

    def test_garbage_before_hello_is_sent_away(self):
        client = self.connect(say_hello=False)
        client.send_frame(b"GET / HTTP/1.1\r\n\r\n")
        self.assertEqual(client.expect(wire.GOAWAY)[1], wire.UNAUTHENTICATED)

    def test_a_version_that_nobody_speaks_is_sent_away(self):
        client = self.connect(say_hello=False)
        client.send(wire.hello("future", 777, 778), wire.invoke(1, "bench/echo", b"\x2a"))
        goaway = client.expect(wire.GOAWAY)
        self.assertEqual(goaway[1], wire.UNAUTHENTICATED)
        self.assertIn("777", goaway[2])
        self.assertIn("778", goaway[2])
        client.handshake()
        self.assertEqual(client.unclaimed(), [])

    def test_a_range_of_versions_settles_on_a_common_one(self):
        client = self.connect(say_hello=False)
        client.send(wire.hello("newer", 1, 9))
        self.assertEqual(client.expect(wire.WELCOME)[1], 1)

    def test_versions_are_judged_before_what_only_they_define(self):
        client = self.connect(say_hello=False)
        client.send([wire.HELLO, "dunlin", 2, 5, {"a": 1}, "x"])
        goaway = client.expect(wire.GOAWAY)
        self.assertEqual(goaway[1], wire.UNAUTHENTICATED)
        self.assertIn("2 to 5", goaway[2])

    def test_a_malformed_hello_is_told_what_is_wrong_with_it(self):
        client = self.connect(say_hello=False)
        for hello, part in (([wire.HELLO, "dunlim", 1, 1], "does not begin with the string dunlin"),
                            (wire.hello("n" * 256), "255 bytes"),
                            (wire.hello(b"n\xff".decode("utf-8", "surrogateescape")), "UTF-8"),
                            ([wire.HELLO, "dunlin", 1], "no versions")):
            with self.subTest(hello=hello[1:4]):
                client.send_frame(msgpack.packb(hello, unicode_errors="surrogateescape"))
                goaway = client.expect(wire.GOAWAY)
                self.assertEqual(goaway[1], wire.UNAUTHENTICATED)
                self.assertTrue(goaway[2].startswith("say hello first; hello: "), goaway)
                self.assertIn(part, goaway[2])
        client.handshake()
        client.send(wire.hello("n" * 256))
        self.assert_connection_failure(client)

    # -- calls -------------------------------------------------------------------------------

    def test_a_name_that_is_no_text_comes_back_as_text(self):
        client = self.connect()
        call_id = client.new_id()
        name = b"no/\xff\xfe\xc0".decode("utf-8", "surrogateescape")
        client.send_frame(msgpack.packb(wire.invoke(call_id, name, b"\x2a"),
                                        unicode_errors="surrogateescape"))
        answer = client.answer_to(call_id)  # read strictly
        self.assert_failed(answer, wire.NOT_FOUND)
        self.assertIn("no/\ufffd\ufffd\ufffd", answer.detail)

    def test_what_only_nodes_send_is_ignored_if_it_is_well_formed(self):
        client = self.connect()
        open_id = client.start("bench/sleep", {"us": 50_000})
        client.send([wire.REPLY, open_id, b"\x2a"], [wire.FAILURE, open_id, 3], [wire.GOAWAY, 9],
                    [wire.WELCOME, 1])
        client.ping()
        self.assertNotEqual(client.answer_to(open_id).payload, b"\x2a")
        self.assertEqual(client.unclaimed(), [])
        client.send([wire.REPLY, 1])
        self.assert_connection_failure(client)

    def test_echo_returns_any_value_byte_for_byte(self):
        client = self.connect()
        for value in (None, True, -1, 1 << 63, 1.5, "t\u00e4xt", b"", b"\x00\xff" * 1000,
                      [1, [2, [3]]], {"a": {"b": [None]}}, b"x" * 1_000_000):
            payload = msgpack.packb(value, use_bin_type=True)
            call_id = client.new_id()
            client.send(wire.invoke(call_id, "bench/echo", payload))
            self.assertEqual(client.answer_to(call_id).payload, payload)

    def test_several_calls_in_a_frame_are_each_answered_once(self):
        client = self.connect()
        ids = [client.new_id() for _ in range(500)]
        client.send(*(wire.invoke(each, "bench/echo", msgpack.packb(each)) for each in ids),
                    wire.ping(9))
        for each in ids:
            self.assertEqual(client.answer_to(each).value, each)
        client.expect(wire.PONG)
        client.ping()
        self.assertEqual(client.unclaimed(), [])

    def test_key_and_trace_are_accepted(self):
        client = self.connect()
        answer = client.call("bench/echo", 7, key=b"k1", retries_left=2,
                             trace="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        self.assertEqual(answer.value, 7)

    def test_numbers_may_be_wider_than_needed(self):
        client = self.connect()
        call_id = client.new_id()
        client.send_frame(b"\xdc\x00\x0a\xd1\x00\x02" + b"\xd3" + call_id.to_bytes(8, "big") +
                          b"\xdb\x00\x00\x00\x0abench/echo" +
                          b"\xcf" + SECOND_US.to_bytes(8, "big") + b"\xcc\x00" * 3 +
                          b"\xc4\x00\xa0\xc6\x00\x00\x00\x01\x2a")
        self.assertEqual(client.answer_to(call_id).value, 42)

    def test_what_a_newer_client_adds_is_ignored(self):
        client = self.connect()
        call_id = client.new_id()
        client.send([42, {"new": ["kind"]}],
                    wire.invoke(call_id, "bench/echo", b"\x2a") + [5, 6, 0, 0, {"new": "element"}, 7])
        self.assertEqual(client.answer_to(call_id).value, 42)
        self.assertEqual(client.unclaimed(), [])

    def test_an_unknown_function_is_not_found(self):
        client = self.connect()
        for name in ("bench/ehco", "nowhere/at_all", "no-slash", ""):
            answer = client.call(name, 1)
            self.assert_failed(answer, wire.NOT_FOUND)
            self.assertNotEqual(answer.detail, "")

    def test_a_call_fails_at_its_deadline(self):
        client = self.connect()
        started = time.monotonic()
        answer = client.call("bench/sleep", {"us": 500_000}, remaining_us=20_000)
        elapsed = time.monotonic() - started
        self.assert_failed(answer, wire.DEADLINE_EXCEEDED)
        self.assertGreaterEqual(elapsed, 0.015)
        self.assertLess(elapsed, 0.4)

    def test_a_cancelled_call_is_answered_once(self):
        client = self.connect()
        call_id = client.start("bench/sleep", {"us": 500_000})
        client.ping()
        client.send(wire.cancel(call_id))
        self.assert_failed(client.answer_to(call_id), wire.CANCELLED)
        client.send(wire.cancel(call_id), wire.cancel(987_654))
        client.ping()
        self.assertEqual(client.unclaimed(), [])

    def test_a_cancel_that_crosses_the_reply_leaves_one_answer(self):
        client = self.connect()
        call_id = client.new_id()
        client.send(wire.invoke(call_id, "bench/echo", b"\x2a"), wire.cancel(call_id))
        answer = client.answer_to(call_id)
        self.assertIn(answer.code, (None, wire.CANCELLED), answer)
        client.ping()
        self.assertEqual(client.unclaimed(), [])

    def test_who_paid_for_a_cold_start_hears_of_it_before_the_reply(self):
        with Node() as node, node.connect() as client:
            first = client.start("bench/echo", 1)
            self.assertEqual(client.answer_to(first).value, 1)
            self.assertEqual(client.cold_starts, {first})
            # A failure tells of none, though an actor was started for it as well.
            failed = client.call("bench/fail", {"message": "no paper"})
            self.assertEqual(failed.kind, wire.FAILURE)
            client.ping()
            self.assertEqual(client.cold_starts, {first})
            self.assertEqual(client.unclaimed(), [])

    def test_the_runtimes_own_functions_are_called_like_any(self):
        client = self.connect()
        names = [each["name"] for each in client.call("dunlin/functions").value]
        self.assertIn("bench/echo", names)
        self.assertIn("bench/sleep", names)
        self.assertIsInstance(client.call("dunlin/stats").value, dict)
        self.assert_failed(client.call("dunlin/nonsense"), wire.NOT_FOUND)

    def test_a_ping_is_answered_with_its_token(self):
        client = self.connect()
        for token in (0, 1, (1 << 64) - 1):
            client.ping(token)
        self.assertEqual(client.unclaimed(), [])

    # -- malformed bytes and limits ----------------------------------------------------------

    def test_garbage_is_answered_and_the_connection_lives(self):
        client = self.connect()
        for frame in (b"GET / HTTP/1.1\r\n\r\n", b"\xc1", b"\x90", b"\xdd\xff\xff\xff\xff\x02",
                      wire.encode([wire.INVOKE, 0, "bench/echo", 0, 0, 0, 0, None, None, b"\x2a"]),
                      wire.encode([wire.INVOKE, 5, "f" * 256, 0, 0, 0, 0, None, None, b"\x2a"]),
                      wire.encode([wire.INVOKE, 5, "bench/echo"]),
                      b"\x92\x06" + b"\x91" * 100_000,
                      b"\x93\x06\x01" + b"\x91" * 100_000 + b"\x01"):
            with self.subTest(frame=frame[:20]):
                before = client.call("dunlin/stats").value["frames_malformed"]
                client.send_frame(frame)
                self.assert_connection_failure(client)
                self.assertEqual(client.call("dunlin/stats").value["frames_malformed"], before + 1)

    def test_a_frame_of_zero_bytes_means_nothing(self):
        client = self.connect()
        client.send_frame(b"")
        client.ping()
        self.assertEqual(client.unclaimed(), [])

    def test_the_envelopes_before_a_torn_one_are_honoured(self):
        client = self.connect()
        whole, torn = client.new_id(), client.new_id()
        frame = wire.encode(wire.invoke(whole, "bench/echo", b"\x2a"))
        client.send_frame(frame + wire.encode(wire.invoke(torn, "bench/echo", b"\x2a" * 10))[:-1])
        self.assertEqual(client.answer_to(whole).value, 42)
        self.assert_connection_failure(client)

    def test_a_message_of_two_parts_is_malformed(self):
        client = self.connect()
        client.send_parts([b"", wire.encode(wire.invoke(client.new_id(), "bench/echo", b"\x2a"))])
        self.assert_connection_failure(client)

    def test_a_payload_beyond_the_limit_fails_alone(self):
        client = self.connect()
        large, small = client.new_id(), client.new_id()
        client.send(wire.invoke(large, "bench/echo", bytes(client.payload_bytes_max + 1)),
                    wire.invoke(small, "bench/echo", b"\x2a"))
        self.assert_failed(client.answer_to(large), wire.INVALID_ARGUMENT)
        self.assertEqual(client.answer_to(small).value, 42)

    def test_a_payload_that_is_nested_without_end_is_refused_by_the_nodes_own_functions(self):
        client = self.connect()
        for function in ("dunlin/explain", "dunlin/drain"):
            for opened in (65, 15_000_000):  # each an array in the one before
                call_id = client.new_id()
                client.send(wire.invoke(call_id, function, b"\x91" * opened + b"\xc0"))
                self.assert_failed(client.answer_to(call_id), wire.INVALID_ARGUMENT)
        self.assert_echoes(client)

    def test_a_payload_of_just_the_limit_is_served(self):
        client = self.connect(timeout_s=30)
        size = client.payload_bytes_max - 5
        payload = b"\xc6" + size.to_bytes(4, "big") + bytes(size)
        call_id = client.new_id()
        client.send(wire.invoke(call_id, "bench/echo", payload, remaining_us=30 * SECOND_US))
        self.assertTrue(client.answer_to(call_id).payload == payload)

    def test_a_frame_beyond_the_limit_is_dropped(self):
        client = self.connect()
        client.send(wire.invoke(client.new_id(), "bench/echo",
                                bytes(client.payload_bytes_max + (1 << 20))))
        self.assert_connection_failure(client)

    # -- leaving -----------------------------------------------------------------------------

    def test_a_client_that_said_bye_is_a_stranger_again(self):
        client = self.connect()
        call_id = client.start("bench/sleep", {"us": 100_000})
        client.send(wire.bye())
        client.send(wire.invoke(call_id + 1, "bench/echo", b"\x2a"))
        self.assertEqual(client.expect(wire.GOAWAY)[1], wire.UNAUTHENTICATED)
        self.assertEqual(client.unclaimed(), [])

    def test_what_stands_behind_a_bye_is_dropped_in_silence(self):
        client = self.connect()
        client.send(wire.invoke(client.new_id(), "bench/echo", b"\x2a"), wire.bye(),
                    wire.invoke(client.new_id(), "bench/echo", b"\x2a"), wire.hello("again"),
                    wire.ping(5))
        welcome = client.handshake()  # the next frame: whatever was answered before came before it
        self.assertEqual(welcome[0], wire.WELCOME)
        client.ping()
        self.assertEqual(client.unclaimed(), [])
        self.assert_echoes(client)

    def test_clients_that_vanish_harm_nobody(self):
        for _ in range(5):
            client = self.node.connect()
            for _ in range(20):
                client.start("bench/sleep", {"us": 10_000})
            client.ping()
            client.close(polite=False)
        self.assert_echoes(self.connect())


class StopTest(unittest.TestCase):
    """Tests that end the node they talk to."""

    def setUp(self):
        self.node = Node()
        self.addCleanup(self.node.close)

    def test_who_comes_while_the_node_drains_hears_welcome_and_goaway(self):
        client = self.node.connect(timeout_s=20)
        self.addCleanup(client.close, polite=False)
        asleep = client.start("bench/sleep", {"us": 3_000_000})
        client.ping()
        self.node.terminate()
        self.assertEqual(client.expect(wire.GOAWAY)[1], wire.UNAVAILABLE)
        late = self.node.connect(timeout_s=20, say_hello=False)
        self.addCleanup(late.close, polite=False)
        late.send(wire.hello("late"), wire.invoke(1, "bench/echo", b"\x2a"), wire.ping(3))
        late.take(lambda each: each[:2] == [wire.PONG, 3], "a pong")
        self.assertEqual(late.pings, 0)
        self.assertEqual([each[0] for each in late.unclaimed()],
                         [wire.WELCOME, wire.GOAWAY, wire.FAILURE])
        failure = late.expect(wire.FAILURE)
        self.assertEqual(failure[1:3], [1, wire.UNAVAILABLE])
        self.assertIs(failure[5], True)  # did_not_run
        self.assertIn(client.answer_to(asleep).code, (None, wire.UNAVAILABLE))


class PageTest(unittest.TestCase):
    """Needs no node: the client against the bytes that the page prints."""

    def test_the_client_writes_the_pages_bytes(self):
        page = pathlib.Path(__file__).parents[2] / "sdk" / "WIRE.md"
        blocks = {name: bytes.fromhex(text) for name, text in
                  re.findall(r"^```golden (\S+)\n(.*?)^```$", page.read_text(), re.M | re.S)}
        hi = msgpack.packb("hi")
        for name, envelope in {
                "hello": wire.hello("py"),
                "invoke": wire.invoke(1, "bench/echo", hi, 2 * SECOND_US),
                "invoke-keyed": wire.invoke(
                    70_000, "text/visits", b"\x07", 0, b"k1",
                    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", 1, 2),
                "cancel": wire.cancel(70_000),
                "ping": wire.ping(7),
                "bye": wire.bye(),
        }.items():
            with self.subTest(name):
                self.assertEqual(wire.encode(envelope), blocks[name])
        self.assertEqual(wire.decode(blocks["failure"]),
                         [[4, 1, 8, "queue full", 1500, False]])
        self.assertEqual(wire.decode(blocks["goaway"]), [[8, 9, "stopping"]])


if __name__ == "__main__":
    unittest.main(verbosity=2)
