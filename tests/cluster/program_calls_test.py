# SPDX-License-Identifier: Apache-2.0
"""The verbs of `dunlin` that call functions: invoke, functions, bench. See programs.py for what the
environment has to name."""

import base64
import json
import os
import pty
import re
import signal
import socket
import subprocess
import tempfile
import unittest

from programs import FaultsNode, Node, Process, ProgramTest, dunlin, wait_until


class CallTest(ProgramTest):
    """What needs a node; all of these share one."""

    @classmethod
    def setUpClass(cls):
        cls.node = Node()
        cls.addClassCleanup(cls.node.close)

    def call(self, *arguments, **options):
        return dunlin(*arguments, "--node", self.node.endpoint, **options)

    # -- invoke ------------------------------------------------------------------------------------

    def test_json_goes_in_and_comes_out(self):
        for text in ('{"b":1,"a":[true,null,-1.5,"x"]}', "[1,2]", "-5", '"text"', "{}", "3.0",
                     '{"$bytes":"3q2+7w=="}', "18446744073709551615"):
            ran = self.call("invoke", "bench/echo", text)
            self.assert_exit(ran, 0)
            self.assertEqual(json.loads(ran.stdout), json.loads(text))
            self.assertEqual(ran.stdout.count("\n"), 1)
            self.assertEqual(ran.stderr, "")

    def test_the_input_is_nil_when_there_is_none(self):
        self.assertEqual(self.call("invoke", "bench/echo").stdout, "null\n")

    def test_the_input_can_come_from_standard_input(self):
        ran = self.call("invoke", "bench/echo", "-", stdin='{"a":\n[1]}\n')
        self.assertEqual(ran.stdout, '{"a":[1]}\n')
        self.assert_complaint(self.call("invoke", "bench/echo", "-", stdin="{"), 2, "not valid JSON")

    def test_the_key_reaches_the_function(self):
        with FaultsNode() as node:
            def key_of(*arguments, **options):
                return dunlin("invoke", "faults/key_of", *arguments, "--node", node.endpoint, **options)

            self.assertEqual(key_of('""').stdout, '""\n')
            self.assertEqual(key_of('""', "--key", "user 7").stdout, '"user 7"\n')
            lines = key_of("--lines", "-", "--key", "k", stdin='""\n""\n')
            self.assertEqual(lines.stdout, '"k"\n"k"\n')
            self.assert_complaint(key_of('""', "--key", "k" * 256), 2, "--key has 256 bytes", "255")

    def test_raw_writes_text_and_bytes_as_they_are(self):
        data = bytes(range(256))
        encoded = json.dumps({"$bytes": base64.b64encode(data).decode()})
        ran = self.call("invoke", "bench/echo", encoded, "--raw", text=False)
        self.assertEqual(ran.stdout, data)
        self.assertEqual(self.call("invoke", "bench/echo", '"a b"', "--raw").stdout, "a b")
        self.assertEqual(self.call("invoke", "bench/echo", "[1]", "--raw").stdout, "[1]")

    def test_a_failed_call_says_why_and_exits_with_1(self):
        ran = self.call("invoke", "bench/fail", '{"message": "no \\n more paper"}')
        self.assert_complaint(ran, 1, "dunlin: failed: ", "more paper")
        self.assertEqual(ran.stdout, "")
        ran = self.call("invoke", "bench/ecko", "1")
        self.assert_complaint(ran, 1, "not_found", "bench/ecko", "did you mean bench/echo?")
        ran = self.call("invoke", "bench/fail", '{"message": 7}')
        self.assert_complaint(ran, 1, "invalid_argument", "message", "expected", "7")
        ran = self.call("invoke", "bench/nap", '{"us": 600000000}', "--timeout", "1s")
        self.assert_complaint(ran, 1, "deadline_exceeded")

    def test_json_wraps_results_and_errors(self):
        ran = self.call("invoke", "bench/echo", "[1]", "--json")
        self.assertRegex(ran.stdout, r'\A{"value":\[1\],"cold_start":(true|false)}\n\Z')
        ran = self.call("invoke", "bench/fail", '{"message": "no paper"}', "--json")
        self.assert_exit(ran, 1)
        error = json.loads(ran.stdout)["error"]
        self.assertEqual(error["code"], "failed")
        self.assertIn("no paper", error["detail"])

    def test_json_says_of_a_call_that_it_paid_for_a_cold_start(self):
        with Node() as node:
            ran = dunlin("invoke", "bench/echo", "[1]", "--json", "--node", node.endpoint)
            self.assertEqual(ran.stdout, '{"value":[1],"cold_start":true}\n')
            ran = dunlin("invoke", "bench/sleep", "--lines", "-", "--json", "--node", node.endpoint,
                         stdin='{"us": 10}\n' * 300)
            cold = [json.loads(line)["cold_start"] for line in ran.stdout.splitlines()]
            self.assertEqual(len(cold), 300)
            self.assertTrue(cold[0])
            self.assertEqual(cold.count(True), node.functions()["bench/sleep"]["cold_calls"])

    def test_a_node_that_is_not_there_is_exit_code_3(self):
        with socket.socket() as taken:  # bound, but nobody listens
            taken.bind(("127.0.0.1", 0))
            endpoint = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
            for arguments in (("invoke", "bench/echo"), ("functions",), ("bench", "bench/echo")):
                ran = dunlin(*arguments, "--node", endpoint, "--connect-timeout", "100ms")
                self.assert_complaint(ran, 3, endpoint)

    def test_the_first_node_that_answers_is_used(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            nobody = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
            ran = dunlin("invoke", "--node", nobody, self.node.endpoint, "bench/echo", "1")
            self.assertEqual(ran.stdout, "1\n", ran.stderr)
            ran = dunlin("invoke", "bench/echo", "2",
                         environment={"DUNLIN_NODE": f"{nobody},{self.node.endpoint}"})
            self.assertEqual(ran.stdout, "2\n", ran.stderr)

    # -- invoke --lines ----------------------------------------------------------------------------

    def test_lines_that_a_full_queue_refuses_are_sent_again(self):
        with Node("--activations", "1", "--queue-depth-max", "2") as node:
            ran = dunlin("invoke", "bench/sleep", "--lines", "-", "--window", "16",
                         "--node", node.endpoint, stdin='{"us": 2000}\n' * 60)
            self.assert_exit(ran, 0)
            self.assertEqual(ran.stdout.count("\n"), 60)
            self.assertEqual(ran.stderr, "")
            self.assertGreater(node.functions()["bench/sleep"]["invocations"], 59)
            refused = {each["name"]: each["refused"] for each in node.stats()["functions"]}
            self.assertGreater(refused["bench/sleep"], 0)

    def test_lines_are_not_sent_again_for_ever(self):
        with Node("--activations", "1", "--queue-depth-max", "1") as node:
            ran = dunlin("invoke", "bench/sleep", "--lines", "-", "--window", "8", "--timeout",
                         "500ms", "--node", node.endpoint, stdin='{"us": 1200000}\n' * 8)
            self.assert_exit(ran, 1)
            lines = [json.loads(line) for line in ran.stdout.splitlines()]
            self.assertEqual([line["line"] for line in lines], list(range(1, 9)))
            codes = {line["error"]["code"] for line in lines}
            self.assertIn("overloaded", codes)
            self.assertLessEqual(codes, {"overloaded", "deadline_exceeded"})

    def test_lines_come_out_in_their_order(self):
        inputs = [{"number": i, "text": "x" * (i % 50)} for i in range(3000)]
        ran = self.call("invoke", "bench/echo", "--lines", "-", "--window", "64",
                        stdin="".join(json.dumps(line) + "\n" for line in inputs))
        self.assert_exit(ran, 0)
        self.assertEqual(ran.stderr, "")
        self.assertEqual([json.loads(line) for line in ran.stdout.splitlines()], inputs)

    def test_a_slow_call_does_not_let_later_ones_overtake_it(self):
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
            file.write('{"us": 100000}\n{"us": 1}\n{"us": "x"}\n{"us": 2}')
            file.flush()
            ran = self.call("invoke", "bench/nap", "--lines", file.name, "--json")
        self.assert_exit(ran, 1)
        lines = [json.loads(line) for line in ran.stdout.splitlines()]
        self.assertEqual([line["line"] for line in lines], [1, 2, 3, 4])
        self.assertEqual(["error" in line for line in lines], [False, False, True, False])

    def test_a_failed_line_is_an_error_in_its_place(self):
        ran = self.call("invoke", "bench/echo", "--lines", "-", stdin='1\n\n{"a"\n"last"')
        self.assert_complaint(ran, 1, "1 of 3 calls failed")
        first, second, third = ran.stdout.splitlines()
        self.assertEqual((first, third), ("1", '"last"'))
        failed = json.loads(second)
        self.assertEqual(failed["line"], 3)
        self.assertEqual(failed["error"]["code"], "invalid_argument")
        self.assertIn("not valid JSON", failed["error"]["detail"])

    def test_a_result_is_printed_before_the_stream_ends(self):
        with Process("invoke", "bench/echo", "--lines", "-", "--node", self.node.endpoint,
                     stdin=subprocess.PIPE) as stream:
            for i in range(3):
                stream.feed(f"{i}\n".encode())
                self.assertEqual(stream.line(), str(i))
            stream.process.stdin.close()
            self.assertEqual(stream.wait(), 0, stream.log())
            stream.process.stdin = None

    def test_what_was_sent_to_a_stopped_node_does_not_run_after_its_deadline(self):
        # One lane, so one connection, which has been greeted: a hello that comes late itself tells
        # nothing of what comes with it.
        with Node("--lanes", "1") as node, \
                Process("invoke", "bench/echo", "--lines", "-", "--timeout", "300ms", "--node",
                        node.endpoint, stdin=subprocess.PIPE) as caller:
            caller.feed(b"1\n")
            self.assertEqual(caller.line(), "1")
            before = node.functions()["bench/echo"]["invocations"]
            node.stop_running()
            caller.feed(b"2\n3\n4\n")
            for _ in range(3):
                failed = json.loads(caller.line())
                self.assertEqual(failed["error"]["code"], "deadline_exceeded", failed)
            # The node's estimate errs towards running a call, so their time is well over.
            caller.feed(b"6\n")
            caller.line()
            node.signal(signal.SIGCONT)
            # One that comes behind them on the same connection.
            caller.feed(b"5\n")
            caller.line()
            wait_until(lambda: node.stats().get("calls_overdue", 0) >= 3,
                       "the calls that were late to be read")
            after = node.functions()["bench/echo"]["invocations"]
            self.assertLessEqual(after - before, 2)  # 5, and 6 whose time has just passed

    def test_an_interrupt_cancels_what_is_in_flight(self):
        for arguments in (("--lines", "-"), ("-",)):
            with Process("invoke", "bench/nap", *arguments, "--node", self.node.endpoint,
                         "--timeout", "1h", stdin=subprocess.PIPE) as stream:
                stream.feed(b'{"us": 3600000000}\n')
                if arguments == ("-",):
                    stream.process.stdin.close()
                    stream.process.stdin = None
                self.node.wait_until_busy("bench/nap", 1)
                stream.signal(signal.SIGINT)
                self.assertEqual(stream.wait(), 130, stream.log())
                self.assertIn("interrupted", stream.log())
                self.node.wait_until_busy("bench/nap", 0)

    def test_a_stream_shows_its_progress_on_a_terminal_and_clears_it(self):
        screen, terminal = pty.openpty()
        try:
            with tempfile.TemporaryFile("w+") as lines:
                lines.write('{"us": 150000}\n' * 4)  # one after another: longer than an update
                lines.seek(0)
                with Process("invoke", "bench/nap", "--lines", "-", "--window", "1", "--node",
                             self.node.endpoint, stdin=lines, errors_to=terminal) as stream:
                    self.assertEqual(stream.rest().count("\n"), 4)
                    self.assertEqual(stream.wait(), 0)
            # A terminal passes on what was written in as many pieces, and as late, as it likes.
            shown = ""
            while not re.search(r"[0-4] calls, \d+/s, 0 failed.*\r\x1b\[K$", shown, re.DOTALL):
                shown += os.read(screen, 65536).decode()
        finally:
            os.close(terminal)
            os.close(screen)

    def test_text_without_quotes_gets_a_hint(self):
        self.assert_complaint(self.call("invoke", "bench/echo", "x"), 2, "not valid JSON",
                              "for text write '\"x\"'")
        for no_text in ('{"a": x}', '["x"'):
            ran = self.call("invoke", "bench/echo", no_text)
            self.assert_complaint(ran, 2, "not valid JSON")
            self.assertNotIn("for text", ran.stderr)

    def test_a_call_has_the_trace_it_is_given_or_a_new_one(self):
        given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        with FaultsNode() as node:
            trace_of = ("invoke", "faults/trace_of", '""', "--raw", "--node", node.endpoint)
            self.assertEqual(dunlin(*trace_of, "--trace", given).stdout, given)
            made = {dunlin(*trace_of).stdout for _ in range(3)}
            self.assertEqual(len(made), 3)
            for trace in made:
                self.assertRegex(trace, r"\A00-[0-9a-f]{32}-[0-9a-f]{16}-00\Z")
            lines = dunlin("invoke", "faults/trace_of", "--lines", "-", "--node", node.endpoint,
                           stdin='""\n' * 50).stdout.split()
            self.assertEqual(len(set(lines)), 50)
        for wrong in ("x", given.upper(), given[:-3], "00-" + "0" * 32 + given[35:]):
            self.assert_complaint(self.call("invoke", "bench/echo", "1", "--trace", wrong), 2,
                                  "--trace wants a W3C traceparent such as 00-")

    def test_a_failed_call_names_its_request(self):
        trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        fail = ("invoke", "bench/fail", '{"message": "no paper"}')
        self.assert_complaint(self.call(*fail, "--trace", trace), 1,
                              "no paper (request 4bf92f3577b34da6a3ce929d0e0e4736)")
        ran = self.call(*fail, "--json")
        told = json.loads(ran.stdout)["error"]["request"]
        self.assertIn(f"(request {told})", ran.stderr)
        lines = self.call("invoke", "bench/fail", "--lines", "-",
                          stdin='{"message": "a"}\nno JSON\n').stdout.splitlines()
        self.assertRegex(json.loads(lines[0])["error"]["request"], r"\A[0-9a-f]{32}\Z")
        self.assertNotIn("request", json.loads(lines[1])["error"])

    def test_a_functions_log_line_names_the_function_and_the_request(self):
        with FaultsNode() as node:
            ran = dunlin("invoke", "faults/trace_of", '"me"', "--node", node.endpoint)
            self.assert_exit(ran, 0)
            node.signal(signal.SIGTERM)
            self.assertEqual(node.wait(), 0)
            self.assertRegex(node.log(), r"asked for the trace by=me function=faults/trace_of "
                                         r"request=[0-9a-f]{32}\n")

    def test_the_window_is_for_streams_only(self):
        self.assert_complaint(self.call("invoke", "bench/echo", "1", "--window", "3"), 2, "--lines")

    def test_a_directory_is_no_stream(self):
        self.assert_complaint(self.call("invoke", "bench/echo", "--lines", "/tmp"), 2, "/tmp",
                              "directory")

    def test_json_tells_that_no_node_was_reached(self):
        ran = dunlin("invoke", "bench/echo", "1", "--json", "--connect-timeout", "200ms",
                     "--node", "tcp://127.0.0.1:1")
        self.assert_complaint(ran, 3, "no node answered")
        self.assertEqual(json.loads(ran.stdout)["error"]["code"], "unavailable")
        lines = dunlin("invoke", "bench/echo", "--lines", "-", "--json", "--connect-timeout",
                       "200ms", "--node", "tcp://127.0.0.1:1", stdin="1\n")
        self.assertEqual(json.loads(lines.stdout)["error"]["code"], "unavailable")

    def test_output_that_cannot_be_written_is_a_failure(self):
        lines = ("--lines", "-")
        for arguments, given in ((("invoke", "bench/echo", "1"), ""),
                                 (("invoke", "bench/echo", *lines), "1\n2\n"),
                                 (("functions",), ""), (("functions", "--json"), ""),
                                 (("bench", "bench/echo", "--requests", "10", "--json"), "")):
            self.check_full_disk(*arguments, "--node", self.node.endpoint, stdin=given)
        for arguments in (("version",), ("completion", "bash"), ("--help",), ("invoke", "--help"),
                          ("node", "--print-config")):
            self.check_full_disk(*arguments)

    def check_full_disk(self, *arguments, stdin=""):
        with open("/dev/full", "w", encoding="utf-8") as full:
            ran = subprocess.run([os.environ["DUNLIN_BINARY"], *arguments], input=stdin, stdout=full,
                                 stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        self.assertEqual(ran.returncode, 1, arguments)
        self.assertIn("cannot write", ran.stderr, arguments)
        self.assertEqual(ran.stderr.count("\n"), 1, ran.stderr)

    # -- functions ---------------------------------------------------------------------------------

    def test_functions_are_listed_for_programs(self):
        functions = self.node.functions()
        echo = functions["bench/echo"]
        self.assertTrue(echo["idempotent"])
        self.assertFalse(echo["blocking"])
        self.assertEqual(echo["module"], "bench")
        for key in ("description", "input", "output", "activations", "queue_depth",
                    "queue_depth_max", "placement", "service_time_us", "activations_started",
                    "activations_retired", "cold_calls", "start_time_us"):
            self.assertIn(key, echo)
        sleep = functions["bench/sleep"]
        self.assertEqual(sleep["input"]["properties"]["us"]["type"], "integer")
        self.assertNotEqual(sleep["input"], sleep["output"])
        self.assertNotIn("properties", sleep["output"])

    # -- bench -------------------------------------------------------------------------------------

    def test_bench_prints_one_object(self):
        for window, threads in ((1, 1), (64, 1), (7, 3), (2, 2)):
            ran = self.call("bench", "bench/echo", "--requests", "1000", "--warmup", "10",
                            "--window", str(window), "--threads", str(threads), "--size", "100",
                            "--json")
            self.assert_exit(ran, 0)
            self.assertEqual(ran.stdout.count("\n"), 1)
            report = json.loads(ran.stdout)
            self.assertEqual(report["function"], "bench/echo")
            self.assertEqual((report["requests"], report["errors"]), (1000, 0))
            self.assertEqual((report["window"], report["size"]), (window, 100))
            self.assertEqual(report["errors_by_code"], {})
            self.assertGreater(report["per_second"], 0)
            self.assertLess(0, report["p50_us"])
            self.assertLessEqual(report["p50_us"], report["p99_us"])
            self.assertLessEqual(report["p99_us"], report["p999_us"])
            self.assertLessEqual(report["p999_us"], report["max_us"])

    def test_bench_speaks_to_people(self):
        ran = self.call("bench", "bench/echo", "--requests", "100", "--warmup", "0")
        self.assert_exit(ran, 0)
        for word in ("bench/echo: 100 calls", "calls per second", "p99.9", "cold starts  "):
            self.assertIn(word, ran.stdout)

    def test_bench_counts_the_calls_that_paid_for_a_cold_start(self):
        for load in (("--requests", "500", "--window", "8", "--threads", "2"),
                     ("--rate", "500", "--duration", "1s")):
            with Node() as node:
                ran = dunlin("bench", "bench/echo", "--warmup", "0", "--json", *load, "--node",
                             node.endpoint)
                self.assert_exit(ran, 0)
                paid = json.loads(ran.stdout)["cold_starts"]
                self.assertGreater(paid, 0)
                self.assertEqual(paid, node.functions()["bench/echo"]["cold_calls"])

    def test_bench_with_failing_calls_fails(self):
        ran = self.call("bench", "bench/fail", "--payload", '{"message": "out of ink"}',
                        "--requests", "50", "--warmup", "0", "--window", "8", "--json")
        self.assert_complaint(ran, 1, "50 of 50 calls failed; the first: failed: ", "out of ink")
        report = json.loads(ran.stdout)
        self.assertEqual((report["requests"], report["errors"]), (50, 50))
        self.assertEqual(report["errors_by_code"], {"failed": 50})

    def test_an_interrupted_bench_prints_what_it_has(self):
        with Process("bench", "bench/nap", "--payload", '{"us": 1000}', "--requests", "1000000",
                     "--warmup", "0", "--window", "2", "--json", "--node",
                     self.node.endpoint) as bench:
            self.node.wait_until_busy("bench/nap", 2)
            bench.signal(signal.SIGINT)
            report = json.loads(bench.rest())
            self.assertEqual(bench.wait(), 130, bench.log())
            self.assertEqual(report["errors"], 0)
            self.assertLess(report["requests"], 1000000)


if __name__ == "__main__":
    unittest.main()
