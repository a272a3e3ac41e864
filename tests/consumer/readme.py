# SPDX-License-Identifier: Apache-2.0
"""Does what a README tells its reader to do, and compares what is printed with what it shows.

A README's files and commands are its fenced blocks: a block of code belongs to the file that was
named last in front of it (`weather.cpp`); a `console` block holds commands, each behind "$ ", with
their output. Nodes are started on free ports in place of those the README names, which are what
its clients are sent to; whatever else differs from machine to machine is compared as a number.
"""
import os
import re
import shlex
import subprocess
import threading
import time

SECONDS_MAX = 60
# How long a cluster may take to look as it is shown.
SETTLED_SECONDS_MAX = 30
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"`([\w.]+\.\w+)`")
DEFAULT_ENDPOINT = "tcp://127.0.0.1:7440"
ENDPOINT = re.compile(r"tcp://127\.0\.0\.1:\d+")


def first_screen(text):
    """What stands in front of the first heading."""
    return text.partition("\n## ")[0]


def section(text, heading):
    """What stands under a heading, up to the next one of its kind."""
    return re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)[1]


def files(text):
    """Names and contents of the files that a text shows."""
    shown = {}
    for block in FENCE.finditer(text):
        named = FILE.findall(text[: block.start()])
        if block[1] in ("cpp", "cmake") and named:
            shown[named[-1]] = block[2]
    return shown


def commands(text):
    """The commands of the console blocks, each with the lines it prints."""
    for block in FENCE.finditer(text):
        if block[1] == "console":
            for part in re.split(r"^\$ ", block[2], flags=re.MULTILINE)[1:]:
                command, _, output = part.partition("\n")
                yield command, output.strip()


def matches(shown, said):
    """Whether a command said what the README shows, line by line, numbers of a run apart."""
    shown, said = shown.splitlines(), said.strip().splitlines()
    if len(shown) != len(said):
        return False
    for expected, line in zip(shown, said):
        words = []
        for word in expected.split():
            pattern = ENDPOINT.pattern if ENDPOINT.fullmatch(word) else re.escape(word)
            pattern = re.sub(r"vm\\-\d+", r"[\\w.-]+", pattern)
            # Shares, and times: "0%", "182us", and "-" where there is none yet.
            if re.fullmatch(r"[\d.,]+(%|us|ms|s)|-", word):
                pattern = r"([\d.,]+(%|us|ms|s)|-)"
            # The name of a request.
            if re.fullmatch(r"[0-9a-f]{32}\)", word):
                pattern = r"[0-9a-f]{32}\)"
            words.append(pattern)
        if not re.fullmatch(r"\s*" + r"\s+".join(words) + r"\s*", line):
            return False
    return True


class Reader:
    """Types a README's commands, with the installed program first in the PATH."""

    def __init__(self, folder, prefix, changes=()):
        self.folder = folder
        self.changes = changes  # (text of a command, what stands there instead)
        self.endpoints = {}  # as in the README -> as it is
        self.nodes = []
        self.environment = dict(os.environ, PATH=f"{prefix}/bin:{os.environ['PATH']}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for node in self.nodes:
            node.terminate()
        for node in self.nodes:
            try:
                node.wait(SECONDS_MAX)
            except subprocess.TimeoutExpired:
                node.kill()
                node.wait()

    def start(self, command, shown):
        """A node in the background. @returns the line it prints when it is ready."""
        command = ENDPOINT.sub(lambda at: self.endpoints.get(at[0], at[0]), self.changed(command))
        words = shlex.split(command)
        if "--listen" in words:
            words[words.index("--listen") + 1] = "tcp://127.0.0.1:0"
        else:
            words += ["--listen", "tcp://127.0.0.1:0"]
        node = subprocess.Popen(
            words, cwd=self.folder, env=self.environment, text=True, stdout=subprocess.PIPE
        )
        self.nodes.append(node)
        late = threading.Timer(SECONDS_MAX, node.kill)
        late.start()
        ready = node.stdout.readline()
        late.cancel()
        endpoint = ENDPOINT.search(ready)
        if endpoint:
            as_shown = ENDPOINT.search(shown)[0]
            self.endpoints[as_shown] = endpoint[0]
            if as_shown == DEFAULT_ENDPOINT:
                self.environment["DUNLIN_NODE"] = endpoint[0]
        return ready

    def changed(self, command):
        for text, instead in self.changes:
            command = command.replace(text, instead)
        return command

    def run(self, command):
        command = self.changed(command)
        if "$!" in command:  # what a shell calls the last one that was started behind it
            return self.end_last(command)
        if "DUNLIN_NODE" in self.environment and command.startswith("./"):
            command += " " + self.environment["DUNLIN_NODE"]
        done = subprocess.run(
            ["sh", "-c", command], cwd=self.folder, env=self.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=5 * SECONDS_MAX,
        )  # fmt: skip
        return done.stdout

    def end_last(self, command):
        """Its end is waited for: a reader types less quickly than the next node starts."""
        last = self.nodes[-1]
        subprocess.run(["sh", "-c", command.replace("$!", str(last.pid))], check=True)
        last.wait(SECONDS_MAX)
        return ""

    def say(self, command, shown):
        """What a command says; it may take a moment until that is what is shown."""
        until = time.monotonic() + SETTLED_SECONDS_MAX
        while True:
            said = self.run(command)
            if not shown or matches(shown, said) or time.monotonic() > until:
                return said
            time.sleep(0.2)

    def follow(self, text, skip):
        """Does all but what is to be skipped. @yields (command, whether it said what is shown, what
        it said)."""
        for name, content in files(text).items():
            with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
                file.write(content)
        for command, shown in commands(text):
            if command in skip:
                continue
            if command.endswith("&"):
                said = self.start(command.removesuffix("&"), shown)
            else:
                said = self.say(command, shown)
            # What builds print is the builder's business; that it worked, what follows shows.
            yield command, not shown or matches(shown, said), said
