#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs clang-tidy over every translation unit, within a time limit, and remembers what was clean.

  tidy.py --build-dir DIR [--minutes M] [--jobs N] [FILE...]

DIR has a compile_commands.json made for Clang. A file is looked at again only when its
preprocessed text, its command, the checks or clang-tidy itself changed, wherever the checkout is;
the memory is one of the user's, in dunlin/tidy under XDG_CACHE_HOME or ~/.cache. Files changed
since the last commit come first, tests last. When the time is up, the files that nobody looked at
are named and do not count as findings: a slow machine is not a defect.
"""
import argparse
import concurrent.futures
import contextlib
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import time

# Not ours to judge: the programs we are compared with, some of them half generated.
SKIPPED = "tests/bench/peers/"
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def output_of(command, folder=ROOT):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")
    return done.returncode, done.stdout, done.stderr


def changed_files():
    """Paths that differ from the last commit; none when this is not a git checkout."""
    try:
        code, listed, _ = output_of(["git", "status", "--porcelain", "--untracked-files=all"])
    except FileNotFoundError:
        return set()
    return {os.path.join(ROOT, line[3:]) for line in listed.splitlines()} if code == 0 else set()


def fingerprint(entry, salt):
    """A hash of everything clang-tidy would see, or None if the file does not compile."""
    command = shlex.split(entry["command"])
    if "-o" in command:
        at = command.index("-o")
        del command[at : at + 2]
    # Comments are kept: they may silence a check.
    code, text, _ = output_of([*command, "-E", "-C"], entry["directory"])
    if code != 0:
        return None
    seen = " ".join(command) + "\0" + text
    # What is clean in one checkout is clean in another.
    return hashlib.sha256((salt + "\0" + seen.replace(ROOT, "")).encode()).hexdigest()


def memory_folder():
    """Where it is remembered what was clean: an empty file for each fingerprint."""
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(caches, "dunlin", "tidy")


def forget_old(folder, days=30):
    """Files that no run has met for so long."""
    oldest = time.time() - days * 24 * 3600
    with contextlib.suppress(FileNotFoundError):
        for mark in os.scandir(folder):
            if mark.stat().st_mtime < oldest:
                os.unlink(mark.path)


def look_at(entry, build_dir, salt, end):
    """(outcome, text): outcome is clean, known, found or late."""
    if time.monotonic() > end:
        return "late", ""
    mark = None
    digest = fingerprint(entry, salt)
    if digest:
        mark = os.path.join(memory_folder(), digest)
        if os.path.exists(mark):
            os.utime(mark)
            return "known", ""
    left = end - time.monotonic()
    command = ["clang-tidy", "--quiet", "-p", build_dir, entry["file"]]
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, errors="replace", timeout=max(left, 1)
        )
    except subprocess.TimeoutExpired:
        return "late", ""
    if done.returncode == 0:
        if mark:
            os.makedirs(os.path.dirname(mark), exist_ok=True)
            with open(mark, "w", encoding="utf-8"):
                pass
        return "clean", ""
    noise = re.compile(r"^\d+ warnings? (and \d+ errors? )?(generated|treated as errors?)")
    lines = (done.stdout + done.stderr).splitlines()
    return "found", "\n".join(line for line in lines if not noise.match(line))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build-dir", required=True)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("files", nargs="*", help="only these; all by default")
    options = parser.parse_args()
    build_dir = os.path.abspath(options.build_dir)

    with open(os.path.join(build_dir, "compile_commands.json"), encoding="utf-8") as file:
        entries = {entry["file"]: entry for entry in json.load(file)}
    entries = {
        path: entry
        for path, entry in entries.items()
        if path.startswith(ROOT + os.sep)
        and not path.startswith((build_dir + os.sep, os.path.join(ROOT, SKIPPED)))
    }
    if options.files:
        wanted = {os.path.abspath(path) for path in options.files}
        entries = {path: entry for path, entry in entries.items() if path in wanted}
    changed = changed_files()
    tests = os.path.join(ROOT, "tests") + os.sep
    order = sorted(
        entries, key=lambda path: (path not in changed, path.startswith(tests), path)
    )

    with open(os.path.join(ROOT, ".clang-tidy"), encoding="utf-8") as file:
        salt = file.read() + output_of(["clang-tidy", "--version"])[1]

    forget_old(memory_folder())
    started = time.monotonic()
    end = started + options.minutes * 60
    late, found = [], 0
    counts = {"clean": 0, "known": 0}
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        looks = {
            pool.submit(look_at, entries[path], build_dir, salt, end): path for path in order
        }
        for look in concurrent.futures.as_completed(looks):
            outcome, text = look.result()
            if outcome == "found":
                found += 1
                print(text, flush=True)
            elif outcome == "late":
                late.append(os.path.relpath(looks[look], ROOT))
            else:
                counts[outcome] += 1

    for path in sorted(late):
        print(f"not looked at, time is up: {path}")
    print(
        f"{len(order)} files in {time.monotonic() - started:.0f} s: {found} with findings, "
        f"{counts['clean']} clean, {counts['known']} unchanged, {len(late)} not looked at"
    )
    return 1 if found or not order else 0


if __name__ == "__main__":
    sys.exit(main())
