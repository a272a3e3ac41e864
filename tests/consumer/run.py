#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Uses Dunlin the way a stranger does: installs it, builds a project against it, runs that; and
the same with the examples, each copied out of this checkout.

Everything happens in a temporary folder that is gone afterwards, and the node that is started is
stopped on every way out.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = os.path.join(HERE, os.pardir, os.pardir, "examples")
START_SECONDS_MAX = 20
STOP_SECONDS_MAX = 20


def run(*command):
    """Runs a command; its output is shown only if it fails."""
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}")
    return done.stdout


def expect(condition, what):
    if not condition:
        sys.exit(f"failed: {what}")
    print(f"ok: {what}")


class Node:
    """A node on a free loopback port, from `with` to its end."""

    def __init__(self, program, module):
        self.command = [program, "node", "--listen", "tcp://127.0.0.1:0", "--module", module]
        self.output = []
        self.endpoint = None
        self.ready = threading.Event()

    def read(self):
        for line in self.process.stdout:
            self.output.append(line)
            match = re.search(r"tcp://127\.0\.0\.1:[1-9][0-9]*", line)
            if match and not self.ready.is_set():
                self.endpoint = match.group()
                self.ready.set()
        self.ready.set()

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.ready.wait(START_SECONDS_MAX)
        if self.endpoint is None:
            self.process.kill()
            self.reader.join(5)
            sys.exit("failed: the node named no endpoint\n" + "".join(self.output))
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.status = self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.status = self.process.wait()
        self.reader.join(5)


def configure_and_build(options, source, build, prefix):
    run(
        options.cmake, "-S", source, "-B", build, "-G", "Ninja",
        f"-DCMAKE_PREFIX_PATH={prefix}",
        f"-DCMAKE_CXX_COMPILER={options.compiler}",
        "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Wpedantic -Werror",
        # The package must not look for what its headers do not show.
        "-DCMAKE_DISABLE_FIND_PACKAGE_CAF=ON",
    )  # fmt: skip
    run(options.cmake, "--build", build)


def try_example(options, name, tests, folder, prefix):
    """Builds an example that is nowhere near Dunlin's sources, and runs its tests."""
    source = os.path.join(folder, name)
    build = os.path.join(folder, f"{name}-build")
    shutil.copytree(os.path.join(EXAMPLES, name), source)
    configure_and_build(options, source, build, prefix)
    run(options.ctest, "--test-dir", build, "--output-on-failure", "--no-tests=error", "-R", tests)
    print(f"ok: examples/{name}, copied out, builds and passes {tests}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cmake", default="cmake")
    parser.add_argument("--ctest", default="ctest")
    parser.add_argument("--compiler", default="c++")
    parser.add_argument("--build-dir", required=True)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="dunlin-consumer-") as folder:
        prefix = os.path.join(folder, "prefix")
        build = os.path.join(folder, "build")
        run(options.cmake, "--install", options.build_dir, "--prefix", prefix)
        configure_and_build(options, HERE, build, prefix)
        print("ok: a project with find_package(dunlin) builds")

        module = os.path.join(build, "modules", "greeting.so")
        exported = run("nm", "--dynamic", "--defined-only", "--format=posix", module)
        names = [line.split()[0] for line in exported.splitlines()]
        expect(names == ["dunlin_module"], f"the module exports only dunlin_module: {names}")

        with open(os.path.join(build, "program.txt"), encoding="utf-8") as file:
            program = file.read()
        expect(program == os.path.join(prefix, "bin", "dunlin"), "dunlin::program is installed")

        with Node(program, module) as node:
            said = run(os.path.join(build, "caller"), node.endpoint)
            expect(said == "Hello, Countess Dr. Ada!\nnot_found\n", f"the calls said {said!r}")
        expect(node.status == 0, f"the node left with {node.status}\n{''.join(node.output)}")

        try_example(options, "hello", "greets over a real node", folder, prefix)
        try_example(options, "word_count", "words, chunks|generated", folder, prefix)


if __name__ == "__main__":
    main()
