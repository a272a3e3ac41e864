#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Folds real and made logs with a real node, whatever is killed meanwhile, and compares what the node keeps with a
count of its own, which shares nothing with the program but the definition of a session."""
import argparse
import collections
import concurrent.futures
import contextlib
import datetime
import grp
import json
import os
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

SECONDS_MAX = 90
LOAD_SECONDS = 3  # so that visitors come again in another second
QUOTED = r'"((?:[^"\\]|\\.)*)"'
LINE = re.compile(r"(\S+) \S+ [^\[]*\[([^\]]+)\] " + QUOTED + r" (\d+) (\d+|-) " + QUOTED + " " + QUOTED, re.DOTALL)
TIME = "%d/%b/%Y:%H:%M:%S %z"


def expect(holds, what):
    if not holds:
        sys.exit(f"failed: {what}")
    print(f"ok: {what}", flush=True)


# -- what should come out --------------------------------------------------------------------------


def read(line):
    """@returns visitor, page, seconds, bytes of a view; "other" for another request, None for a bad line."""
    found = LINE.fullmatch(line)
    request = found and re.match(r"(\S+) ([^ ?]+)", found[3])
    if not request:
        return None
    try:
        seconds = int(datetime.datetime.strptime(found[2], TIME).timestamp())
    except ValueError:
        return None
    if request[1] != "GET" or not 200 <= int(found[4]) < 400:
        return "other"
    return found[1], request[2], seconds, 0 if found[5] == "-" else int(found[5])


def count(path, gap):
    """The visitors and pages of a log, and how many lines of it are what."""
    visitors, pages, lines = {}, {}, collections.Counter()
    with open(path, encoding="latin-1", newline="\n") as file:
        for line in file:
            if not line.endswith("\n"):
                break
            seen = read(line[:-1])
            lines["bad" if seen is None else "other" if seen == "other" else "views"] += 1
            if seen is None or seen == "other":
                continue
            visitor, page, seconds, size = seen
            kept = visitors.setdefault(visitor, {"times": [], "bytes": 0})
            kept["times"].append(seconds)
            kept["bytes"] += size
            kept = pages.setdefault(page, {"views": 0, "bytes": 0})
            kept["views"] += 1
            kept["bytes"] += size
    for kept in visitors.values():
        lengths, last = [], None
        for seconds in kept.pop("times"):
            if last is None or seconds > last + gap:
                lengths.append(0)
            lengths[-1] += 1
            last = seconds if last is None else max(last, seconds)
        kept.update(sessions=len(lengths), views=sum(lengths), longest_views=max(lengths))
    return visitors, pages, lines


# -- what runs -------------------------------------------------------------------------------------


class Node:
    def __init__(self, given, data, listen="tcp://127.0.0.1:0"):
        self.given = given
        self.process = subprocess.Popen(
            [given.dunlin, "node", "--listen", listen, "--module", given.module, "--data", data],
            stdout=subprocess.PIPE, text=True)
        late = threading.Timer(SECONDS_MAX, self.process.kill)
        late.start()
        ready = self.process.stdout.readline().split()
        late.cancel()
        if ready[:3] != ["dunlin", "node", "ready:"]:
            self.kill()
            sys.exit(f"failed: instead of its endpoint the node said {ready}")
        self.endpoint = ready[3]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def ask(self, *words):
        done = subprocess.run([self.given.dunlin, *words, "--node", self.endpoint],
                              capture_output=True, text=True, timeout=SECONDS_MAX)
        if done.returncode != 0:
            sys.exit(f"failed: {words} leaves with {done.returncode}: {done.stderr}")
        return done.stdout

    def await_calls(self, wanted):
        """Until it has run so many calls that fold."""
        until = time.monotonic() + SECONDS_MAX
        calls = 0
        while calls < wanted:
            functions = json.loads(self.ask("invoke", "dunlin/stats"))["functions"]
            calls = sum(each["invocations"] for each in functions
                        if each["name"] in ("sessions/visit", "sessions/count"))
            if time.monotonic() > until:
                sys.exit(f"failed: the node has run {calls} calls, not {wanted}")

    def kept(self, space):
        lines = self.ask("state", "export", space).splitlines()
        return {each["key"]: each["value"] for each in map(json.loads, lines)}


class Feeder:
    """The program, reading a log from a pipe that is written as far as it is let."""

    def __init__(self, given, node, log, *options):
        self.log = log
        self.allowed = 0
        self.changed = threading.Condition()
        self.process = subprocess.Popen(
            [given.sessions, "-", "--log", "access.log", "--node", node.endpoint, *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.writer = threading.Thread(target=self._write)
        self.writer.start()

    def _write(self):
        done = 0
        try:
            while done < len(self.log):
                with self.changed:
                    self.changed.wait_for(lambda: self.allowed > done)
                    end = self.allowed
                for done in range(done, end, 16384):
                    self.process.stdin.write(self.log[done:min(done + 16384, end)])
                done = end
                self.process.stdin.flush()
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # it was killed, as it should be

    def let(self, size):
        with self.changed:
            self.allowed = size
            self.changed.notify()

    def kill(self):
        self.process.kill()
        self.let(len(self.log))
        self.writer.join()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        self.process.stderr.close()
        return self.process.wait()

    def end(self):
        self.let(len(self.log))
        self.writer.join()
        said = self.process.stdout.read().decode()
        complaint = self.process.stderr.read().decode()
        self.process.stdout.close()
        self.process.stderr.close()
        return self.process.wait(), said, complaint


def fold(given, node, path, *options):
    done = subprocess.run([given.sessions, path, "--node", node.endpoint, *options],
                          capture_output=True, text=True, timeout=SECONDS_MAX)
    expect(done.returncode == 0, f"{path} is folded: {done.returncode} {done.stderr}")
    return done.stdout


def numbers(said, pattern):
    found = re.search(pattern, said, re.MULTILINE)
    expect(found, f"it prints {pattern}")
    return [int(each.replace(",", "")) for each in found.groups()]


def compare(node, counted):
    visitors, pages, lines = counted
    for space, expected in (("sessions.visitors", visitors), ("sessions.pages", pages)):
        kept = node.kept(space)
        wrong = {key: (value, {name: kept.get(key, {}).get(name) for name in value})
                 for key, value in expected.items()
                 if any(kept.get(key, {}).get(name) != number for name, number in value.items())}
        expect(not wrong, f"{len(expected)} keys of {space} have the right totals: {list(wrong.items())[:3]}")
        expect(kept.keys() == expected.keys(), f"and there are no others: {list(kept.keys() - expected.keys())[:3]}")
    return lines


# -- a real log ------------------------------------------------------------------------------------


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def nginx(program, folder):
    """@yields its port. It takes none of the system's choice, so one that was free a moment before is tried."""
    for page in range(40):
        os.makedirs(os.path.join(folder, "site", f"d{page % 4}"), exist_ok=True)
        with open(os.path.join(folder, "site", f"d{page % 4}", f"p{page}.html"), "w") as file:
            file.write("x" * (page * 37))
    # Root's nginx would serve as another user, who may not see the folder.
    user = f"user {pwd.getpwuid(os.getuid()).pw_name} {grp.getgrgid(os.getgid()).gr_name};" if os.getuid() == 0 else ""
    temporary = "".join(f"{name}_temp_path {folder}/{name};"
                        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    for _ in range(5):
        port = free_port()
        with open(os.path.join(folder, "nginx.conf"), "w") as file:
            file.write(f"""daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 2; {user}
                events {{ worker_connections 512; }}
                http {{ access_log {folder}/access.log combined; {temporary}
                    server {{ listen 127.0.0.1:{port}; root {folder}/site; keepalive_requests 100000; }} }}""")
        process = subprocess.Popen([program, "-p", folder, "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log"],
                                   stderr=subprocess.PIPE)
        try:
            while process.poll() is None:
                with contextlib.suppress(ConnectionRefusedError):
                    socket.create_connection(("127.0.0.1", port)).close()
                    yield port
                    return
        finally:
            process.send_signal(signal.SIGQUIT)  # it ends when it has written what it was asked
            _, complaint = process.communicate(timeout=SECONDS_MAX)
        if b"Address already in use" not in complaint:
            break
    sys.exit(f"failed: nginx ended: {complaint.decode()}")


def visit(port, seed):
    """Requests of one visitor on one connection, one behind the other without waiting for answers."""
    dice = random.Random(seed)
    address = f"127.0.{dice.randrange(1, 9)}.{min(int(dice.paretovariate(0.7)), 200)}"
    requests = []
    for number in range(60):
        page = min(int(dice.paretovariate(0.8)), 41) - 1  # the last one is not there
        query = f"?n={number}" if dice.random() < 0.3 else ""
        method = dice.choices(("GET", "HEAD", "POST"), (20, 1, 1))[0]
        requests.append(f"{method} /d{page % 4}/p{page}.html{query} HTTP/1.1\r\nHost: site\r\n"
                        f'User-Agent: "visitor" {seed}\r\nContent-Length: 0\r\n\r\n')
    requests.append("\x16\x03\x01no-request\r\n\r\n")  # answered with 400, and the connection ends
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS_MAX, source_address=(address, 0)) as to:
        sender = threading.Thread(target=to.sendall, args=("".join(requests).encode("latin-1"),))
        sender.start()
        answered = 0
        with contextlib.suppress(ConnectionResetError):
            while some := to.recv(65536):
                answered += len(some)
        sender.join()
    return answered


def real_log(folder):
    """A log of 24,000 requests or more, over some seconds, written by nginx; none where it is not installed."""
    program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    if program is None:
        return None
    with nginx(program, folder) as port, concurrent.futures.ThreadPoolExecutor(8) as visitors:
        begun = time.monotonic()
        come = 0
        while come < 400 or time.monotonic() < begun + LOAD_SECONDS:
            answered = list(visitors.map(lambda seed: visit(port, seed), range(come, come + 100)))
            expect(all(answered), f"nginx has answered visitors {come} to {come + 99}")
            come += 100
    return os.path.join(folder, "access.log")


def killed(given):
    """Node and feeder are killed in the middle, twice, then the node alone; the totals are exact."""
    dice = random.Random(given.seed)
    with tempfile.TemporaryDirectory(prefix="sessions-") as folder:
        path = real_log(folder)
        if path is None:
            print("skipped: nginx is not installed (package nginx)")
            return
        gap = "0"  # the load took a few seconds: the next one begins the next session
        expected = count(path, int(gap))
        expect(expected[2]["views"] > 15_000 and expected[2]["bad"] > 0 and expected[2]["other"] > 0,
               f"it has lines of all kinds: {dict(expected[2])}")
        expect(any(each["sessions"] > 1 for each in expected[0].values()), "visitors came again")
        with open(path, "rb") as file:
            log = file.read()
        data = os.path.join(folder, "data")
        for life in range(2):
            part = len(log) * (life + 1) // 3
            with Node(given, data) as node:
                feeder = Feeder(given, node, log, "--gap", gap)
                feeder.let(part)
                node.await_calls(dice.randrange(50, 250))
                node.kill()
                expect(feeder.kill() == -signal.SIGKILL, f"node and feeder are killed within {part} of {len(log)} bytes")
        with Node(given, data) as node:
            before = sum(each["views"] for each in node.kept("sessions.pages").values())
            expect(0 < before < expected[2]["views"], f"{before} of {expected[2]['views']} views were folded")
            feeder = Feeder(given, node, log, "--gap", gap)
            feeder.let(len(log) * 5 // 6)
            node.await_calls(dice.randrange(50, 250))
            node.kill()
            with Node(given, data, node.endpoint) as again:
                code, said, complaint = feeder.end()
                expect(code == 0, f"the feeder goes on at the node's next life: {code} {complaint}")
                lines = compare(again, expected)
                views, others, bad = numbers(said, r"^lines .*: ([\d,]+) views, ([\d,]+) other requests, ([\d,]+) bad$")
                expect((views, others, bad) == (lines["views"], lines["other"], lines["bad"]), "lines are counted")
                expect("no line of an access log at byte" in complaint, "bad ones are shown")
                said = fold(given, again, path, "--gap", gap, "--log", "access.log")
                expect(numbers(said, r"^folded +([\d,]+) views now, ([\d,]+) before$") == [0, views],
                       "nothing is folded twice")
                compare(again, expected)


# -- a log that was made ---------------------------------------------------------------------------


def made_lines(dice, seconds, lines):
    """Lines over some days, in the order of their ends; some of them odd."""
    zones = [datetime.timezone(datetime.timedelta(minutes=each)) for each in (0, 330, -210)]
    long_page = "/" + "long" * 80
    for _ in range(lines):
        seconds += dice.expovariate(1 / 40)
        begun = int(seconds - min(dice.expovariate(1 / 3), 60))
        when = datetime.datetime.fromtimestamp(begun, dice.choice(zones)).strftime(TIME)
        page = dice.choice(("/", "/a", "/b c", "/d?e=f g", "/\\x22quoted\\x22", long_page, long_page + "!"))
        visitor = f"2001:db8::{min(int(dice.paretovariate(0.5)), 3000):x}"
        status, size = dice.choice(((200, 512), (304, "-"), (404, 9), (206, 10**12)))
        line = f'{visitor} - {dice.choice(("-", "ann", "a b"))} [{when}] "GET {page} HTTP/2.0" {status} {size} "-" "agent \\"x\\""'
        yield dice.choice((line[:dice.randrange(len(line))], "", "\0\x1b[31m", "y" * 100_000)) if dice.random() < 0.01 else line


def generated(given):
    dice = random.Random(given.seed)
    print(f"seed {given.seed}")
    with tempfile.TemporaryDirectory(prefix="sessions-") as folder, Node(given, os.path.join(folder, "data")) as node:
        path = os.path.join(folder, "a.log")
        text = "".join(line + "\n" for line in made_lines(dice, 1_760_000_000, 6_000))
        cut = text.index("\n", len(text) // 2) - 30  # in the middle of a line
        with open(path, "w", encoding="latin-1", newline="\n") as file:
            file.write(text[:cut])
        said = fold(given, node, path)
        expect("a line without an end, left for the next time" in said, "a line that is being written is left")
        half = count(path, 1800)
        compare(node, keyed(half))
        with open(path, "a", encoding="latin-1", newline="\n") as file:
            file.write(text[cut:])
        said = fold(given, node, path, "--window", "3")
        whole = count(path, 1800)
        compare(node, keyed(whole))
        expect(numbers(said, r"^folded +([\d,]+) views now, ([\d,]+) before$")
               == [whole[2]["views"] - half[2]["views"], half[2]["views"]], "what is new is folded")
        visitors = numbers(said, r"^visitors +([\d,]+) with ([\d,]+) sessions$")
        expect(visitors == [len(whole[0]), sum(each["sessions"] for each in whole[0].values())], f"{visitors}")
        shown = json.loads(node.ask("invoke", "sessions/page", "null", "--key", "/a"))
        expect(shown["views"] == whole[1]["/a"]["views"], "a page can be asked for")


def keyed(counted):
    """Pages whose names are too long for a key are told apart by the end of what they are cut to."""
    visitors, pages, lines = counted

    def key(text):
        if len(text) <= 255:
            return text
        value = 0xCBF29CE484222325
        for each in text.encode("latin-1"):
            value = ((value ^ each) * 0x100000001B3) % 2**64
        return f"{text[:230]}...{value:016x}"

    return visitors, {key(page): kept for page, kept in pages.items()}, lines


def errors(given):
    def fails(code, said, *arguments):
        done = subprocess.run([given.sessions, *arguments], capture_output=True, timeout=SECONDS_MAX,
                              stdin=subprocess.DEVNULL)
        expect(done.returncode == code, f"{arguments} leaves with {done.returncode}")
        expect(said in done.stderr and done.stderr.count(b"\n") == 1, f"says {done.stderr!r}")
        expect(done.stdout == b"", "no result")

    here = os.path.abspath(__file__)
    fails(2, b"no option --gab", "--gab", "1")
    fails(2, b"--window does not take '0'", "--window", "0")
    fails(2, b"--log does not take ''", "--log", "")
    fails(2, b"one log at a time", "a", "b")
    fails(2, b"cannot read '/missing': No such file", "/missing")
    fails(3, b"to start a node: ", here, "--node", "tcp://127.0.0.1:9")
    done = subprocess.run([given.sessions, "--help"], capture_output=True, timeout=SECONDS_MAX)
    expect(done.returncode == 0 and b"--gap SECONDS" in done.stdout, "there is help")


def main():
    cases = {case.__name__: case for case in (killed, generated, errors)}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=cases)
    parser.add_argument("--dunlin", required=True)
    parser.add_argument("--module", required=True)
    parser.add_argument("--sessions", required=True)
    parser.add_argument("--seed", type=int, default=20260415)
    given = parser.parse_args()
    cases[given.case](given)


if __name__ == "__main__":
    main()
