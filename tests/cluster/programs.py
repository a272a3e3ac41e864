# SPDX-License-Identifier: Apache-2.0
"""Runs the program `dunlin` for tests: to its end, or beside the test.

DUNLIN_BINARY names the program, BENCH_MODULE and FAULTS_MODULE the modules `bench` and `faults`;
DUNLIN_SANITIZE the sanitizers of the build, if any;
DUNLIN_TEST_LANES says how many lanes a node has for which a test does not say it.
Ports are the system's choice. Nothing sleeps: a test waits for a line, for the end of a process, or
for what a node says of itself, each with a limit; and only processes started here are ended.
"""

import json
import os
import pathlib
import select
import signal
import socket
import subprocess
import tempfile
import time
import unittest

WAIT_SECONDS_MAX = 60


def binary():
    return os.environ["DUNLIN_BINARY"]


def dunlin(*arguments, stdin="", environment=None, text=True):
    """Runs the program to its end."""
    return subprocess.run(
        [binary(), *arguments], input=stdin if text else stdin.encode(), text=text,
        capture_output=True, timeout=WAIT_SECONDS_MAX, check=False,
        env={**os.environ, **(environment or {})})


class Process:
    """A program that runs beside the test. Its lines are waited for."""

    def __init__(self, *arguments, stdin=subprocess.DEVNULL, errors_to=None, **options):
        self._log = tempfile.TemporaryFile("w+")
        self._rest = b""
        self.process = subprocess.Popen([binary(), *arguments], stdin=stdin,
                                        stdout=subprocess.PIPE,
                                        stderr=self._log if errors_to is None else errors_to,
                                        **options)

    def line(self):
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while b"\n" not in self._rest:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self.process.stdout], [], [], max(left, 0))
            chunk = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not chunk:
                raise AssertionError(f"waited for a line; printed {self._rest!r}, "
                                     f"logged {self.log()!r}")
            self._rest += chunk
        line, self._rest = self._rest.split(b"\n", 1)
        return line.decode()

    def feed(self, data):
        """To its standard input, which has to be a pipe."""
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def rest(self):
        """What is printed until the end."""
        text, _ = self.process.communicate(timeout=WAIT_SECONDS_MAX)
        return (self._rest + text).decode()

    def until_end(self):
        """The same, for a program whose input another thread writes."""
        return (self._rest + self.process.stdout.read()).decode()

    def log(self):
        self._log.seek(0)
        return self._log.read()

    def signal(self, number):
        self.process.send_signal(number)

    def stop_running(self):
        """Returns when none of its threads runs any more; `signal(SIGCONT)` lets them go on."""
        stop_running(self.process)

    def wait(self):
        return self.process.wait(WAIT_SECONDS_MAX)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self._log):
            if stream:
                stream.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def lanes_under_test():
    """As options of a node."""
    told = os.environ.get("DUNLIN_TEST_LANES")
    return ("--lanes", told) if told else ()


class Node(Process):
    def __init__(self, *arguments, listen="tcp://127.0.0.1:0", **options):
        lanes = () if "--lanes" in arguments else lanes_under_test()
        super().__init__("node", "--listen", listen, "--module", os.environ["BENCH_MODULE"],
                         *lanes, *arguments, **options)
        try:
            self.ready = self.line()
            words = self.ready.split()
            if words[:3] != ["dunlin", "node", "ready:"]:
                raise AssertionError(f"no ready line: {self.ready}")
            self.endpoint = words[3]
        except BaseException:
            self.close()
            raise

    def functions(self):
        listed = dunlin("functions", "--this-node", "--node", self.endpoint, "--json")
        if listed.returncode != 0:
            raise AssertionError(listed.stderr)
        return {function["name"]: function for function in json.loads(listed.stdout)}

    def stats(self):
        """What `dunlin/stats` says; nothing when there is no answer."""
        asked = dunlin("invoke", "dunlin/stats", "--node", self.endpoint)
        return json.loads(asked.stdout) if asked.returncode == 0 else {}

    def wait_until_busy(self, function, count):
        wait_until(lambda: self.functions()[function]["busy"] == count,
                   f"{function} to have {count} running calls")


class FaultsNode(Node):
    """With both modules."""

    def __init__(self, *arguments):
        super().__init__("--module", os.environ["FAULTS_MODULE"], *arguments)


def stop_running(process):
    """Returns when none of the process's threads runs any more; SIGCONT lets them go on."""
    process.send_signal(signal.SIGSTOP)
    threads = pathlib.Path(f"/proc/{process.pid}/task")
    wait_until(lambda: all((each / "stat").read_text().rsplit(")", 1)[1].split()[0] == "T"
                           for each in threads.iterdir()), "every thread stopped")


def wait_until(holds, what):
    """Asks until it holds. `holds` is a question to a node, so its answer is what takes time."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not (answer := holds()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain: {what}")
    return answer


class Cluster:
    """Nodes n1 to nN on free ports, joined, with the module `bench`. Each knows all the others when
    it is there, and after each change. What happens to a node happens to one that was started here.
    """

    def __init__(self, count=3, *arguments):
        self._arguments = arguments
        self._ports = {}
        self.nodes = {}
        try:
            for number in range(1, count + 1):
                self.add(f"n{number}")
            self.wait_until_alive(*self.nodes)
        except BaseException:
            self.close()
            raise

    def add(self, name, *arguments):
        """Starts a node and joins it to those that are there. It may be unknown to some yet."""
        # Another start of it finds the port free: others that ask for any do not get it.
        if name not in self._ports:
            self._ports[name] = socket.socket()
            self._ports[name].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._ports[name].bind(("127.0.0.1", 0))
        listen = f"tcp://127.0.0.1:{self._ports[name].getsockname()[1]}"
        others = [word for endpoint in self.endpoints for word in ("--join", endpoint)]
        self.nodes[name] = Node("--name", name, *others, *self._arguments, *arguments,
                                listen=listen)
        return self.nodes[name]

    @property
    def endpoints(self):
        """Of the nodes whose processes run."""
        return [node.endpoint for node in self.nodes.values() if node.process.poll() is None]

    def endpoint(self, name):
        return self.nodes[name].endpoint

    def members(self, asked):
        """What one node knows of all, the dead included: a list for each name, the newest last.
        Nothing when it does not answer."""
        listed = dunlin("nodes", "--all", "--json", "--node", self.endpoint(asked))
        members = {}
        for member in json.loads(listed.stdout) if listed.returncode == 0 else ():
            members.setdefault(member["name"], []).append(member)
        return members

    def states(self, asked):
        """Name to state, of the newest process of each name."""
        return {name: all_of[-1]["state"] for name, all_of in self.members(asked).items()}

    def wait_until_alive(self, *names):
        """Until each of them knows each of them, in the process that runs now, as alive."""
        def all_know():
            seen = [self.members(name) for name in names]
            return all(
                self.endpoint(name) in members.get(name, [{"endpoints": []}])[-1]["endpoints"] and
                members[name][-1]["state"] == "alive" and
                members[name][-1]["instance"] == seen[place].get(name, [{}])[-1].get("instance")
                for members in seen for place, name in enumerate(names))
        wait_until(all_know, f"{names} know each other")

    def wait_until_state(self, asked, name, *states):
        """Until one node says that another is in one of these states."""
        return wait_until(lambda: (found := self.states(asked).get(name)) in states and found,
                          f"{asked} says that {name} is one of {states}")

    def wait_until_one_is_busy(self, function):
        """The node that has a running call: any of them may take a call that one was asked for."""
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while time.monotonic() < deadline:
            for name, node in self.nodes.items():
                if node.functions()[function]["busy"] == 1:
                    return name
        raise AssertionError(f"no node ever had a running call of {function}")

    def kill(self, name):
        """As kill -9 does; the others do not know yet."""
        self.nodes[name].process.kill()
        self.nodes[name].wait()

    def stop(self, name):
        """As SIGTERM does, to its end. Gives the exit code."""
        self.nodes[name].signal(signal.SIGTERM)
        return self.nodes[name].wait()

    def restart(self, name, *arguments):
        """A new process of that name in the same place, in place of one that runs or has ended."""
        if self.nodes[name].process.poll() is None:
            self.stop(name)
        self.nodes[name].close()
        self.add(name, *arguments)
        self.wait_until_alive(*(each for each in self.nodes
                                if self.nodes[each].process.poll() is None))

    def pause(self, name):
        self.nodes[name].signal(signal.SIGSTOP)

    def resume(self, name):
        self.nodes[name].signal(signal.SIGCONT)

    def close(self):
        for node in self.nodes.values():
            node.close()
        for port in self._ports.values():
            port.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class ProgramTest(unittest.TestCase):
    maxDiff = None

    def assert_exit(self, ran, code):
        self.assertEqual(ran.returncode, code, (ran.stdout, ran.stderr))

    def assert_complaint(self, ran, code, *parts):
        """Exit code, and one line on standard error that has all the parts."""
        self.assert_exit(ran, code)
        self.assertTrue(ran.stderr.startswith("dunlin: "), ran.stderr)
        self.assertEqual(ran.stderr.count("\n"), 1, ran.stderr)
        for part in parts:
            self.assertIn(part, ran.stderr)
