# SPDX-License-Identifier: Apache-2.0
"""The verb `dunlin bench` with calls at a rate, or for a time. See programs.py for what the
environment has to name; program_calls_test.py has the closed loop."""

import json
import os
import signal
import tempfile
import unittest

from programs import Node, Process, ProgramTest, dunlin, wait_until

ENDS = ("not_sent", "ok", "refused", "expired", "failed")


class BenchTest(ProgramTest):
    @classmethod
    def setUpClass(cls):
        cls.node = Node()
        cls.addClassCleanup(cls.node.close)

    def bench(self, *arguments, node=None, code=0):
        ran = dunlin("bench", *arguments, "--json", "--node", (node or self.node).endpoint)
        self.assert_exit(ran, code)
        report = json.loads(ran.stdout)
        if "offered" in report:
            self.assert_adds_up(report)
        return report

    def assert_adds_up(self, report):
        self.assertEqual(report["offered"], sum(report[each] for each in ENDS), report)
        self.assertEqual(report["sent"], report["offered"] - report["not_sent"])
        self.assertEqual(report["sent"], report["requests"])
        for key in ("offered", *ENDS):
            self.assertEqual(report[key], sum(each[key] for each in report["by_second"]), key)

    def test_a_rate_is_offered_as_it_is_said(self):
        for arrivals, threads in (("even", "1"), ("poisson", "1"), ("poisson", "3")):
            report = self.bench("bench/echo", "--rate", "400", "--duration", "1500ms", "--arrivals",
                                arrivals, "--threads", threads, "--warmup", "20")
            self.assertEqual((report["offered"], report["ok"]), (600, 600))
            self.assertEqual(report["offered_per_second"], 400)
            self.assertEqual(report["per_second"], 400)
            self.assertEqual(report["offered_seconds"], 1.5)
            self.assertGreater(report["seconds"], 1)
            self.assertEqual([each["second"] for each in report["by_second"]], [0, 1])
            if arrivals == "even":
                self.assertEqual([each["offered"] for each in report["by_second"]], [400, 200])
            self.assertLessEqual(report["p50_us"], report["p90_us"])
            self.assertLessEqual(report["p90_us"], report["p99_us"])
            self.assertGreater(report["schedule_lag_us_max"], 0)

    def test_the_same_seed_offers_the_same(self):
        def by_second(seed):
            report = self.bench("bench/echo", "--rate", "300", "--duration", "1200ms", "--seed", seed,
                                "--warmup", "0")
            return [each["offered"] for each in report["by_second"]]
        self.assertEqual(by_second("5"), by_second("5"))
        self.assertEqual(sum(by_second("6")), 360)

    def test_a_function_that_does_not_keep_up_shows_its_queue(self):
        # A second's calls are four seconds' work for its only actor.
        with Node("--activations", "1") as node:
            report = self.bench("bench/spin", "--payload", '{"us": 10000}', "--rate", "400",
                                "--duration", "1s", "--warmup", "0", "--timeout", "60s", node=node)
            self.assertEqual(report["ok"], 400)
            self.assertGreater(report["max_us"], 500_000)
            self.assertGreater(report["p50_us"], 200_000)

    def test_refusals_are_counted_as_such(self):
        with Node("--activations", "1", "--queue-depth-max", "2") as node:
            report = self.bench("bench/spin", "--payload", '{"us": 20000}', "--rate", "300",
                                "--duration", "1s", "--warmup", "0", "--timeout", "60s", node=node,
                                code=1)
            self.assertGreater(report["refused"], 0)
            self.assertEqual(report["errors_by_code"], {"overloaded": report["refused"]})
            self.assertGreater(report["refused_us_p99"], 0)

    def test_deadlines_hold(self):
        report = self.bench("bench/nap", "--payload", '{"us": 600000000}', "--rate", "50",
                            "--duration", "1s", "--warmup", "0", "--timeout", "200ms", code=1)
        self.assertEqual((report["sent"], report["expired"]), (50, 50))
        self.assertEqual(report["per_second"], 0)

    def test_calls_beyond_the_window_are_told_of(self):
        arguments = ("bench/nap", "--payload", '{"us": 100000}', "--rate", "1000", "--duration",
                     "500ms", "--warmup", "0", "--window", "1")
        report = self.bench(*arguments, code=1)
        self.assertEqual(report["offered"], 500)
        self.assertGreater(report["not_sent"], 0)
        ran = dunlin("bench", *arguments, "--node", self.node.endpoint)
        self.assert_exit(ran, 1)
        self.assertIn(" of 500 calls were not sent: the window of 1 calls in flight was full",
                      ran.stderr)
        for word in ("bench/nap: 1,000 calls of 9 bytes a second, poisson, for 0.50 s\n",
                     "offered           500, 1000.0 per second", "goodput", "p90", "p99.9",
                     "slowest second    0: p99", "schedule lag"):
            self.assertIn(word, ran.stdout)

    def test_calls_of_a_trace_are_those_of_its_rehearsal(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "load.csv")
            with open(path, "w", encoding="utf-8") as file:
                file.write("period,count\n2026-01-01 00:00:00,900\n2026-01-01 00:01:00,300\n")
            load = (path, "--compress", "60", "--one-in", "3", "--service-time", "5ms", "--cv", "1")
            rehearsed = dunlin("simulate", *load, "--json")
            self.assert_exit(rehearsed, 0)
            busy = json.loads(rehearsed.stdout)["policies"][0]["busy_seconds"]
            for threads in ("1", "3"):
                report = self.bench("bench/sleep", "--trace", *load, "--threads", threads)
                self.assertEqual((report["trace"], report["ok"]), (path, 400))
                self.assertEqual([each["offered"] for each in report["by_second"]], [300, 100])
                self.assertAlmostEqual(report["busy_seconds"], busy, delta=0.002)
                self.assertLessEqual(report["wait_p50_us"], report["wait_p99_us"])
                self.assertLess(report["wait_p50_us"], report["p50_us"])
            # The node has counted them, and what they cost.
            sleep = next(each for each in self.node.stats()["functions"]
                         if each["name"] == "bench/sleep")
            self.assertGreaterEqual(sleep["arrived"], 800)
            self.assertGreaterEqual(sleep["busy_us"] / 1e6, 2 * busy * 0.99)
            self.assertGreaterEqual(sleep["activation_us"], sleep["busy_us"] * 0.99)
            ran = dunlin("bench", "bench/echo", "--trace", *load[:5], "--arrivals", "burst", "--node",
                         self.node.endpoint)
            self.assert_exit(ran, 0)
            self.assertIn(f"bench/echo: 400 calls as in {path}, burst, for 2.00 s\n", ran.stdout)

    def test_a_signal_ends_it_with_what_there_is(self):
        before = self.node.functions()["bench/nap"]["invocations"]
        with Process("bench", "bench/nap", "--payload", '{"us": 1000}', "--rate", "500",
                     "--duration", "1h", "--warmup", "0", "--json", "--node",
                     self.node.endpoint) as bench:
            wait_until(lambda: self.node.functions()["bench/nap"]["invocations"] > before + 20,
                       "calls of the benchmark")
            bench.signal(signal.SIGINT)
            report = json.loads(bench.rest())
            self.assertEqual(bench.wait(), 130, bench.log())
        self.assert_adds_up(report)
        self.assertGreater(report["ok"], 20)
        self.assertEqual(report["ok"], report["offered"])
        self.assertLess(report["offered_seconds"], 3600)
        self.assertGreater(report["offered_per_second"], 0)

    def test_a_closed_loop_can_end_by_time(self):
        report = self.bench("bench/echo", "--duration", "200ms", "--window", "8")
        self.assertGreaterEqual(report["seconds"], 0.2)
        self.assertNotIn("offered", report)
        self.assertEqual(report["errors"], 0)
        report = self.bench("bench/echo", "--duration", "1h", "--requests", "50", "--window", "1")
        self.assertEqual(report["requests"], 50)

    def test_loads_that_make_no_sense_are_refused(self):
        for arguments, part in (
                (("--rate", "0", "--duration", "1s"), "between 1 and 10000000"),
                (("--rate", "-5", "--duration", "1s"), "'-5' is not a whole number"),
                (("--rate", "1000000000", "--duration", "1s"), "between 1 and 10000000"),
                (("--rate", "10", "--duration", "0"), "--duration: must be more than zero"),
                (("--rate", "10"), "--rate needs --duration"),
                (("--rate", "10", "--duration", "25h"), "more than 24 hours"),
                (("--rate", "10", "--duration", "1s", "--requests", "7"), "exclude each other"),
                (("--arrivals", "even"), "give --rate"),
                (("--rate", "10", "--duration", "1s", "--arrivals", "evn"), "did you mean even?")):
            ran = dunlin("bench", "bench/echo", *arguments, "--node", self.node.endpoint)
            self.assert_complaint(ran, 2, part)


if __name__ == "__main__":
    unittest.main()
