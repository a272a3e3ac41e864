#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Uses Dunlin the way a stranger does: installs it, builds a project against it, runs that; follows
the README to the letter; builds the examples, each copied out of this checkout; adds the sources to
a project of its own; and takes away what it has installed.

Everything happens in a temporary folder that is gone afterwards, and the node that is started is
stopped on every way out.
"""
import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

import readme

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
EXAMPLES = os.path.join(ROOT, "examples")
sys.path.append(os.path.join(ROOT, "tests", "cluster"))
import programs  # noqa: E402

# What GCC 12 sees in optimised std::string and std::vector that is not there (its bug 105651 and kin).
FALSE_ALARMS = " ".join(
    f"-Wno-{warning}"
    for warning in ("array-bounds", "free-nonheap-object", "restrict", "stringop-overflow")
)


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


def configure_and_build(options, source, build, prefix):
    run(
        options.cmake, "-S", source, "-B", build, "-G", "Ninja",
        f"-DCMAKE_PREFIX_PATH={prefix}",
        f"-DCMAKE_CXX_COMPILER={options.compiler}",
        f"-DCMAKE_CXX_FLAGS=-Wall -Wextra -Wpedantic -Werror {FALSE_ALARMS}",
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


def follow_readme(folder, prefix, headings, changes, skip):
    """Types what the README says on its first screen and under these headings, in a folder of their own."""
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        text = file.read()
    for heading, part in [("first screen", readme.first_screen(text)),
                          *((each, readme.section(text, each)) for each in headings)]:  # fmt: skip
        place = os.path.join(folder, heading.split()[-1])
        os.mkdir(place)
        with readme.Reader(place, prefix, changes) as reader:
            for command, good, said in reader.follow(part, skip):
                expect(good, f"README, {heading}: {command}" + ("" if good else f"\nsaid:\n{said}"))


def expect_build_type(build, expected):
    with open(os.path.join(build, "CMakeCache.txt"), encoding="utf-8") as file:
        found = re.search(r"^CMAKE_BUILD_TYPE:\w+=(.*)$", file.read(), re.MULTILINE)
    expect(found and found[1] == expected, f"the build type is {found and found[1]}")


def try_subdirectory(options, folder):
    """Dunlin's sources as a part of a project, which makes a module with them."""
    source = os.path.join(folder, "with-sources")
    build = os.path.join(source, "build")
    os.mkdir(source)
    shutil.copy(os.path.join(HERE, "greeting.cpp"), source)
    shutil.copy(os.path.join(HERE, "guest.hpp"), source)
    with open(os.path.join(source, "CMakeLists.txt"), "w", encoding="utf-8") as file:
        file.write(
            "cmake_minimum_required(VERSION 3.25)\n"
            "project(shop LANGUAGES C CXX)\n"
            f'add_subdirectory("{ROOT}" dunlin EXCLUDE_FROM_ALL)\n'
            "dunlin_add_module(greeting greeting.cpp)\n"
        )
    cache = shutil.which("ccache")
    said = run(
        options.cmake, "-S", source, "-B", build, "-G", "Ninja",
        f"-DCMAKE_CXX_COMPILER={options.compiler}", "-DCMAKE_CXX_FLAGS=-O0",
        *([f"-DCMAKE_CXX_COMPILER_LAUNCHER={cache}"] if cache else []),
    )  # fmt: skip
    expect("no build type" not in said, "who names an -O is not told about build types")
    run(options.cmake, "--build", build)
    expect_module(os.path.join(build, "modules", "greeting.so"))


def expect_module(path):
    exported = run("nm", "--dynamic", "--defined-only", "--format=posix", path)
    names = [line.split()[0] for line in exported.splitlines()]
    expect(names == ["dunlin_module"], f"{path} exports only dunlin_module: {names}")


def expect_installed(prefix):
    for path in (
        "bin/dunlin",
        "share/bash-completion/completions/dunlin",
        "share/doc/dunlin/docs/guarantees.md",
        "share/doc/dunlin/examples/hello/hello.cpp",
        "share/doc/dunlin/examples/dunlin.service",
    ):
        expect(os.path.getsize(os.path.join(prefix, path)) > 0, f"{path} is installed")


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
        expect_installed(prefix)
        configure_and_build(options, HERE, build, prefix)
        print("ok: a project with find_package(dunlin) builds")
        expect_build_type(build, "Release")
        expect_module(os.path.join(build, "modules", "greeting.so"))

        with open(os.path.join(build, "program.txt"), encoding="utf-8") as file:
            program = file.read()
        expect(program == os.path.join(prefix, "bin", "dunlin"), "dunlin::program is installed")

        os.environ["DUNLIN_BINARY"] = program
        os.environ["BENCH_MODULE"] = os.path.join(build, "modules", "greeting.so")
        with programs.Node() as node:
            said = run(os.path.join(build, "caller"), node.endpoint)
            expect(said == "Hello, Countess Dr. Ada!\nnot_found\n", f"the calls said {said!r}")
            node.signal(signal.SIGTERM)
            expect(node.wait() == 0, f"the node leaves in order\n{node.log()}")

        follow_readme(
            folder, prefix, ["Your own function in ten minutes", "A cluster"],
            changes=[("/tmp/dunlin", f"{prefix} -DCMAKE_CXX_COMPILER={options.compiler}"),
                     ("build/dev/bin/dunlin", "dunlin")],
            # This is one of its tests; and `top` shows the traffic of a benchmark.
            skip=["./dev run", "./dev test", "dunlin top --once"],
        )  # fmt: skip
        try_example(options, "hello", "greets over a real node", folder, prefix)
        try_example(options, "site", "remembers visitors", folder, prefix)
        try_example(options, "word_count", "words and chunks|generated", folder, prefix)
        try_example(options, "sessions", "lines and folding|generated", folder, prefix)
        try_subdirectory(options, folder)

        manifest = os.path.join(folder, "manifest.txt")
        shutil.copy(os.path.join(options.build_dir, "install_manifest.txt"), manifest)
        script = os.path.join(ROOT, "cmake", "DunlinUninstall.cmake")
        run(options.cmake, "-D", f"MANIFEST={manifest}", "-P", script)
        left = [file for _, _, files in os.walk(prefix) for file in files]
        expect(left == [], f"uninstalling leaves nothing: {left}")


if __name__ == "__main__":
    main()
