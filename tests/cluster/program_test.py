# SPDX-License-Identifier: Apache-2.0
"""The program `dunlin` as people and scripts meet it: help, errors, completion, configuration, and
the life of a node. See programs.py for what the environment has to name."""

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import tempfile
import unittest

from programs import WAIT_SECONDS_MAX, Node, Process, ProgramTest, binary, dunlin, wait_until

VERBS = ("node", "invoke", "functions", "nodes", "top", "explain", "scale", "drain", "bench", "simulate",
         "state", "keygen", "completion", "version")


class CommandLineTest(ProgramTest):
    def test_every_verb_explains_itself(self):
        for verb in VERBS:
            ran = dunlin(verb, "--help")
            self.assert_exit(ran, 0)
            self.assertEqual(ran.stderr, "")
            self.assertIn(f"Usage: dunlin {verb}", ran.stdout)
            if verb != "version":
                self.assertIn("Examples:\n", ran.stdout)
            self.assertLessEqual(max(map(len, ran.stdout.splitlines())), 100)

    def test_help_is_a_verb_too(self):
        self.assertEqual(dunlin("help").stdout, dunlin("--help").stdout)
        self.assertEqual(dunlin("help", "node").stdout, dunlin("node", "--help").stdout)
        self.assert_complaint(dunlin("help", "nod"), 2, "no verb 'nod'; did you mean node?")

    def test_the_program_names_its_verbs_and_exit_codes(self):
        ran = dunlin("--help")
        self.assert_exit(ran, 0)
        for word in (*VERBS, "Exit codes", "dunlin node --module bench"):
            self.assertIn(word, ran.stdout)

    def test_defaults_are_shown(self):
        ran = dunlin("node", "--help")
        for default in ("tcp://127.0.0.1:7440", "16384", "16MiB", "10s", "info"):
            self.assertIn(f"(default: {default})", ran.stdout)

    def test_no_arguments_show_the_help_and_fail(self):
        ran = dunlin()
        self.assert_exit(ran, 2)
        self.assertIn("Usage: dunlin VERB", ran.stderr)

    def test_a_misspelled_verb_or_option_gets_a_suggestion(self):
        self.assert_complaint(dunlin("nod"), 2, "no verb 'nod'; did you mean node?")
        self.assert_complaint(dunlin("node", "--lisen", "x"), 2,
                              "dunlin node has no option '--lisen'; did you mean --listen?")
        self.assert_complaint(dunlin("bench", "a/b", "--windwo=3"), 2, "did you mean --window?")

    def test_a_module_may_be_called_as_a_verb_is(self):
        ran = dunlin("node", "--module", "./co.so", "bench", "top", "--name", "a", "--join",
                     "tcp://127.0.0.1:1", "tcp://127.0.0.1:2", "--print-config")
        self.assert_exit(ran, 0)
        self.assertIn('modules = ["./co.so", "bench", "top"]\n', ran.stdout)
        self.assertIn('join = ["tcp://127.0.0.1:1", "tcp://127.0.0.1:2"]\n', ran.stdout)
        self.assertIn('name = "a"\n', ran.stdout)
        self.assert_complaint(dunlin("node", "--name", "a", "bench"), 2,
                              "'bench' is one argument too many for dunlin node")

    def test_names_that_cannot_stand_in_a_line_are_refused(self):
        for option in ("--name", "--cluster", "--advertise"):
            self.assert_complaint(dunlin("node", option, "a\nb\x1b[2J"), 2,
                                  f"{option}: the name 'a\\nb\\x1b[2J' has a character")

    def test_arguments_that_cannot_be_used_are_refused(self):
        for arguments, part in (
                (("invoke",), "FUNCTION is required"),
                (("invoke", "echo"), "'echo' is no function's name"),
                (("invoke", "a/b", "1", "2"), "'2' is one argument too many"),
                (("invoke", "a/b", "{"), "dunlin: the input: not valid JSON at line 1, column 2"),
                (("invoke", "a/b", '{"$bytes":"!!"}'),
                 'dunlin: the input: "$bytes" takes a string of base64'),
                (("bench", "a/b", "--payload", "["), "dunlin: --payload: not valid JSON at line 1"),
                (("invoke", "a/b", ""), "the input is empty; leave it out, or give null"),
                (("invoke", "a/b", "--timeout", "5"), "--timeout: '5' is not a duration"),
                (("invoke", "a/b", "--json", "--raw"), "exclude each other"),
                (("invoke", "a/b", "1", "--lines", "-"), "not both"),
                (("invoke", "a/b", "--lines", "/nonexistent"), "cannot read /nonexistent"),
                (("bench", "a/b", "--requests", "0"), "--requests: 0 is out of range"),
                (("bench", "a/b", "--size", "x"), "--size: 'x' is not a size"),
                (("bench", "a/b", "--threads", "3", "--window", "2"), "cannot share"),
                (("node", "--listen", "a", "--listen", "b"), "--listen is given more than once"),
                (("node", "--lanes", "x"), "--lanes: 'x' is not a whole number"),
                (("drain",), "NODE is required"),
                (("top", "--interval", "0"), "--interval: must be more than zero"),
                (("completion", "tcsh"), "bash, zsh and fish")):
            with self.subTest(arguments=arguments):
                self.assert_complaint(dunlin(*arguments), 2, part)

    def test_version_is_one_line_or_one_object(self):
        self.assertRegex(dunlin("version").stdout, r"\Adunlin \d+\.\d+\.\d+ \(.*\)\n\Z")
        self.assertEqual(dunlin("--version").stdout, dunlin("version").stdout)
        self.assertRegex(json.loads(dunlin("version", "--json").stdout)["version"], r"\d+\.\d+")


class CompletionTest(ProgramTest):
    def complete(self, *words):
        """What bash offers for the last of the words."""
        script = f"""
            source <("{binary()}" completion bash)
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _dunlin; echo "${{COMPREPLY[@]}}" """
        ran = subprocess.run(["bash", "-c", script, "bash", *words], text=True,
                             capture_output=True, timeout=WAIT_SECONDS_MAX, check=True)
        return ran.stdout.split()

    def test_bash_completes_verbs_options_and_values(self):
        self.assertEqual(self.complete("dunlin", "no"), ["node", "nodes"])
        self.assertEqual(set(self.complete("dunlin", "")), {*VERBS, "--help"})
        self.assertEqual(self.complete("dunlin", "node", "--lis"), ["--listen"])
        self.assertEqual(self.complete("dunlin", "node", "--log-level", "w"), ["warn"])
        self.assertEqual(self.complete("dunlin", "scale", "--priority", "h"), ["high"])
        self.assertEqual(self.complete("dunlin", "completion", "z"), ["zsh"])
        with tempfile.NamedTemporaryFile(suffix=".toml") as file:
            self.assertEqual(self.complete("dunlin", "node", "--config", file.name[:-2]),
                             [file.name])

    def test_every_option_of_every_verb_is_completed(self):
        for verb in VERBS:
            listed = [word.rstrip(",") for line in dunlin(verb, "--help").stdout.splitlines()
                      if line.startswith("  -") for word in line.split()[:2]
                      if word.startswith("--")]
            self.assertEqual(set(self.complete("dunlin", verb, "--")), set(listed))

    def test_the_scripts_are_valid_where_their_shell_is_installed(self):
        for shell, check in (("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")):
            script = dunlin("completion", shell).stdout
            self.assertIn("dunlin", script)
            with contextlib.suppress(FileNotFoundError):
                with tempfile.NamedTemporaryFile("w", suffix=f".{shell}") as file:
                    file.write(script)
                    file.flush()
                    subprocess.run([shell, check, file.name], timeout=WAIT_SECONDS_MAX, check=True)


class NodeTest(ProgramTest):
    def test_a_node_takes_as_many_descriptors_as_it_may(self):
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        try:
            node = Node()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
        with node:
            limits = resource.prlimit(node.process.pid, resource.RLIMIT_NOFILE)
            self.assertEqual(limits, (before[1], before[1]))

    def test_a_node_says_where_it_listens_and_stops_cleanly(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with Node("--name", "alpha") as node:
                self.assertRegex(node.ready, r"\Adunlin node ready: tcp://127\.0\.0\.1:[1-9]\d* "
                                             r"name=alpha functions=\d+ state=\./dunlin-data\Z")
                node.signal(number)
                self.assertEqual(node.wait(), 0, node.log())
                self.assertEqual(node.rest(), "")

    def test_a_signal_ends_a_node_that_waits_to_join(self):
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))  # and does not listen
            with Process("node", "--listen", "tcp://127.0.0.1:0", "--module",
                         os.environ["BENCH_MODULE"], "--join-timeout", "1h",
                         "--join", f"tcp://127.0.0.1:{nobody.getsockname()[1]}") as node:
                wait_until(lambda: "cannot join" in node.log(), "the node to have tried to join")
                node.signal(signal.SIGTERM)
                self.assertEqual(node.wait(), 130)

    def test_a_second_signal_ends_a_node_at_once(self):
        with Node("--drain-timeout", "1h") as node, \
                Process("invoke", "bench/sleep", '{"us": 600000000}', "--timeout", "1h", "--node",
                        node.endpoint):
            node.wait_until_busy("bench/sleep", 1)
            node.signal(signal.SIGTERM)
            wait_until(lambda: "stopping" in node.log(), "the node to stop")
            self.assertIsNone(node.process.poll(), node.log())
            node.signal(signal.SIGTERM)
            self.assertEqual(node.wait(), 130)

    def test_a_call_in_flight_is_answered_when_its_node_stops(self):
        with Node("--drain-timeout", "50ms") as node, \
                Process("invoke", "bench/sleep", '{"us": 600000000}', "--timeout", "1h", "--node",
                        node.endpoint) as call:
            node.wait_until_busy("bench/sleep", 1)
            node.signal(signal.SIGTERM)
            self.assertEqual(call.wait(), 1, call.log())
            self.assertIn("dunlin: unavailable: ", call.log())
            self.assertEqual(node.wait(), 0, node.log())

    def test_a_port_in_use_is_named(self):
        with Node() as node:
            ran = dunlin("node", "--listen", node.endpoint)
            self.assert_complaint(ran, 4, node.endpoint, "in use")
            self.assertEqual(ran.stdout, "")

    def test_what_is_no_module_is_refused(self):
        self.assert_complaint(dunlin("node", "--module", "/nonexistent/x.so"), 4,
                              "no such file: /nonexistent/x.so")
        self.assert_complaint(dunlin("node", "--module", "bnech"), 4, "no module bnech")
        self.assert_complaint(dunlin("node", "--module", __file__), 4, __file__,
                              "cannot be loaded as a shared object")
        self.assert_complaint(
            dunlin("node", "--module", os.environ["BENCH_MODULE"], os.environ["BENCH_MODULE"]), 4,
            "is given twice")

    def test_a_module_that_throws_while_it_is_loaded_is_refused(self):
        path = os.path.join(os.path.dirname(os.environ["BENCH_MODULE"]), "throws_in_global.so")
        self.assert_complaint(
            dunlin("node", "--module", path), 4,
            f"module {path} threw while it was loaded: a global could not be made")

    def test_an_endpoint_that_others_reach_needs_consent(self):
        self.assert_complaint(dunlin("node", "--listen", "tcp://0.0.0.0:0"), 2, "--insecure")
        self.assert_complaint(dunlin("node", "--listen", "nonsense"), 2, "nonsense")


class ConfigurationTest(ProgramTest):
    def file(self, text):
        file = tempfile.NamedTemporaryFile("w", suffix=".toml")
        self.addCleanup(file.close)
        file.write(text)
        file.flush()
        return file.name

    def test_a_configuration_that_is_wrong_is_refused_with_its_place(self):
        for text, complaint in (
                ("[pools]\nqueue_dept_max = 3", ":2:1: unknown option 'pools.queue_dept_max'; did "
                                                "you mean pools.queue_depth_max?"),
                ("[pools]\nactivations = 'x'", ":2:15: pools.activations: expected a whole number, "
                                               "got the string \"x\""),
                ("[node\n", ":1:6: not valid TOML")):
            name = self.file(text)
            self.assert_complaint(dunlin("node", "--config", name), 2, name + complaint)
        self.assert_complaint(dunlin("node", "--config", "/nonexistent.toml"), 2,
                              "cannot read the configuration /nonexistent.toml: No such file")

    def test_the_command_line_counts_before_the_file(self):
        name = self.file("[node]\nname = 'from file'\n[pools]\nactivations = 7\n")
        ran = dunlin("node", "--config", name, "--name", "from line", "--print-config")
        self.assert_exit(ran, 0)
        self.assertIn('name = "from line"\n', ran.stdout)
        self.assertIn("activations = 7\n", ran.stdout)
        self.assertIn("queue_depth_max = 16384\n", ran.stdout)


if __name__ == "__main__":
    unittest.main()
