# SPDX-License-Identifier: Apache-2.0
"""The verb `dunlin simulate`. Needs no node; traces go to a temporary folder. See programs.py for
what the environment has to name."""

import json
import os
import signal
import tempfile
import unittest
import xml.etree.ElementTree

from programs import Process, ProgramTest, dunlin

# An hour of one function, called 600 times in each minute but ten.
ONE = "period,count\n" + "".join(
    f"1998-06-10 00:{minute:02}:00,{0 if 20 <= minute < 30 else 600}\n" for minute in range(60))
MANY = """HashOwner,HashApp,HashFunction,Trigger,480,481,482
o1,a1,first,http,60,0,0
o1,a1,second,queue,0,600,6
"""
DURATIONS = """HashOwner,HashApp,HashFunction,Average,Count
o1,a1,second,250,606
o1,a1,first,1000,60
"""


class SimulateTest(ProgramTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.one = self.file("one.csv", ONE)
        self.many = self.file("many.csv", MANY)
        self.durations = self.file("durations.csv", DURATIONS)

    def file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def simulate(self, *arguments):
        return dunlin("simulate", *arguments)

    def figures(self, *arguments):
        ran = self.simulate(*arguments, "--json")
        self.assert_exit(ran, 0)
        return json.loads(ran.stdout)

    def test_json_has_what_scripts_read(self):
        said = self.figures(self.one, "--service-time", "20ms", "--cv", "1", "--policy", "dunlin",
                            "knative", "knative:1.0", "orleans:64", "fixed:20")
        self.assertEqual(list(said), ["trace", "policies"])
        self.assertEqual(said["trace"], self.one)
        self.assertEqual([each["policy"] for each in said["policies"]],
                         ["dunlin", "knative", "knative:1.0", "orleans:64", "fixed:20"])
        for each in said["policies"]:
            self.assertEqual(list(each), [
                "policy", "busy_seconds", "actor_seconds", "oracle_ratio", "wait_p50_us",
                "wait_p99_us", "wait_max_us", "starts", "starts_per_second", "actors_max",
                "refused"])
            self.assertAlmostEqual(each["busy_seconds"], 600, delta=20)
            self.assertAlmostEqual(each["oracle_ratio"],
                                   each["actor_seconds"] / each["busy_seconds"], places=2)
            self.assertEqual(each["refused"], 0)
        dunlins, knative = said["policies"][:2]
        self.assertLess(dunlins["actor_seconds"], knative["actor_seconds"])
        self.assertLessEqual(dunlins["wait_p99_us"], 100)
        self.assertEqual(said["policies"][4]["starts"], 20)

    def test_many_functions_have_totals(self):
        said = self.figures(self.many, "--durations", self.durations, "--arrivals", "even")
        dunlins = said["policies"][0]
        self.assertEqual(dunlins["busy_seconds"], 60 * 1 + 606 * 0.25)
        self.assertLess(dunlins["oracle_ratio"], 1.25)
        self.assertEqual(
            self.figures(self.many, "--service-time", "1ms")["policies"][0]["busy_seconds"], 0.666)

    def test_the_same_seed_gives_the_same_figures(self):
        options = (self.one, "--service-time", "20ms", "--cv", "0.5", "--seed")
        self.assertEqual(self.figures(*options, "3"), self.figures(*options, "3"))
        self.assertNotEqual(self.figures(*options, "3"), self.figures(*options, "4"))

    def test_people_get_a_table(self):
        ran = self.simulate(self.one, "--service-time", "20ms", "--policy", "dunlin", "fixed:9")
        self.assert_exit(ran, 0)
        lines = ran.stdout.splitlines()
        self.assertEqual(lines[0], f"{self.one}: 1 function, 30,000 calls in 1h")
        self.assertEqual(lines[2].split()[:4], ["POLICY", "BUSY", "ACTORS", "RATIO"])
        self.assertEqual([line.split()[0] for line in lines[3:]], ["dunlin", "fixed:9"])
        self.assertEqual(ran.stderr, "")

    def test_settings_bound_the_policy(self):
        self.assertEqual(
            self.figures(self.one, "--service-time", "1s", "--set", "max=3")["policies"][0]
            ["actors_max"], 3)
        kept = self.figures(self.one, "--service-time", "1ms", "--set", "min=2,idle=10s")
        self.assertGreaterEqual(kept["policies"][0]["actor_seconds"], 2 * 3600)

    def test_a_plot_shows_the_functions_that_were_asked_for(self):
        path = os.path.join(self.folder, "load.svg")
        for functions, shown in (((), ["line 3, second"]), (("2", "second"), ["line 2, first",
                                                                           "line 3, second"])):
            names = ("--function", *functions) if functions else ()
            self.assert_exit(self.simulate(self.many, "--durations", self.durations, "--plot",
                                           path, *names, "--policy", "dunlin", "knative"), 0)
            texts = [each.text for each in xml.etree.ElementTree.parse(path).iter()
                     if each.text and each.text.startswith("line ")]
            self.assertEqual(texts, shown)
        self.assert_complaint(
            self.simulate(self.many, "--durations", self.durations, "--plot",
                          os.path.join(self.folder, "none", "load.svg")), 1,
            "cannot write the plot: No such file or directory")

    def test_a_trace_that_cannot_be_used_is_refused_with_its_line(self):
        def refused(text, part):
            self.assert_complaint(
                self.simulate(self.file("bad.csv", text), "--service-time", "1ms"), 2, part)

        refused("", "bad.csv: the trace is empty")
        refused("a,b\n1,2\n", "bad.csv:1: wrong columns")
        refused(ONE.replace("00:30:00,600", "00:10:00,600"),
                "bad.csv:32: the time '1998-06-10 00:10:00' is not after the one before it")
        refused(ONE.replace("00:30:00,600", "00:30:00,-1"), "bad.csv:32: the count '-1' is negative")
        refused(ONE.replace("00:30:00,600", "00:30:00,1000000000"), "is above 100000000")
        self.assert_complaint(
            self.simulate(self.many, "--durations",
                          self.file("d.csv", DURATIONS.replace("first", "other"))), 2,
            "no durations for the function 'first' of " + self.many + ":2")
        self.assert_complaint(self.simulate("/none.csv", "--service-time", "1ms"), 2,
                              "/none.csv: No such file or directory")

    def test_options_that_cannot_be_are_refused(self):
        one = (self.one, "--service-time", "1ms")
        for arguments, part in (
                ((), "TRACE is required"),
                ((self.one,), "does not say how long calls take; give --service-time"),
                ((self.many,), "give --service-time or --durations"),
                ((*one, "--durations", self.durations), "exclude each other"),
                ((self.one, "--durations", self.durations), "is a trace of one function"),
                ((self.one, "--service-time", "soon"), "--service-time: "),
                ((*one, "--cv", "-1"), "--cv: '-1' is no number between 0 and 100"),
                ((*one, "--arrivals", "evn"), "is not even, poisson or burst; did you mean even?"),
                ((*one, "--policy", "dunlim"), "no policy is called 'dunlim'; did you mean dunlin?"),
                ((*one, "--policy", "fixed"), "say how many, as in fixed:8"),
                ((*one, "--set", "min=3,max=2"), "--set: min 3 is above max 2"),
                ((*one, "--set", "max=0"), "max has to be at least 1"),
                ((*one, "--set", "max=99999999"), "is more than 1000000 actors"),
                ((*one, "--set", "mix=1"), "nothing is called 'mix'"),
                ((*one, "--set", "min"), "min needs a value, as in min=8"),
                ((*one, "--start-cost", "48h"), "is more than a day"),
                ((*one, "--compress", "0"), "--compress: 0 is out of range"),
                ((*one, "--function", "x"), "--function chooses what --plot shows"),
                ((*one, "--plot", "/dev/null", "--function", "x"), "no function has the name")):
            with self.subTest(arguments=arguments):
                self.assert_complaint(self.simulate(*arguments), 2, part)

    def test_an_interrupted_run_prints_what_is_there(self):
        # Long enough that the signal is first: a count below the limit in each of many periods.
        long = self.file("long.csv", "period,count\n" + "".join(
            f"1998-06-{day:02} {hour:02}:00:00,90000000\n"
            for day in range(1, 31) for hour in range(24)))
        with Process("simulate", long, "--service-time", "1ms", "--json") as running:
            # Signals are blocked before the first event; until then one ends the process, too.
            running.signal(signal.SIGINT)
            code = running.wait()
            self.assertIn(code, (130, -signal.SIGINT))
            if code == 130:
                said = json.loads(running.rest())
                self.assertEqual(said["policies"][0]["policy"], "dunlin")
                self.assertIn("interrupted", running.log())


if __name__ == "__main__":
    unittest.main()
