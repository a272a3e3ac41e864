# SPDX-License-Identifier: Apache-2.0
"""A node under limits of the system: it serves, or says in one line why it does not.

Limits of tasks hold for a user, and never for root: as root the nodes run under a user that nobody
is, otherwise the limit is counted from what the user has. Each start has a time by which it is over.
"""

import os
import resource
import select
import signal
import subprocess
import time
import unittest

from programs import WAIT_SECONDS_MAX, binary, lanes_under_test

MIB = 1 << 20
# Who has no process but those of this test; another may run beside it.
NOBODY = 61_000 + os.getpid() % 4_000
NOT_STARTED = 4
LOADER_FAILED = 127  # the system could not even load the program


def tasks_of(user):
    """What a limit of tasks counts for a user."""
    count = 0
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.stat(f"/proc/{process}").st_uid == user:
                count += len(os.listdir(f"/proc/{process}/task"))
        except OSError:
            pass  # it has ended
    return count


@unittest.skipIf("address" in os.environ["DUNLIN_SANITIZE"],
                 "this sanitizer itself needs threads and descriptors, and aborts without them")
class StartLimitsTest(unittest.TestCase):
    def start(self, limit, value, user=None):
        """Starts a node under a limit. Gives "served", once it has served and ended cleanly at
        SIGTERM, or the line that says why it does not start."""
        def restrict():
            resource.setrlimit(limit, (value, value))
            if user is not None:
                os.setgroups([])
                os.setgid(user)
                os.setuid(user)

        process = subprocess.Popen(
            [binary(), "node", "--listen", "tcp://127.0.0.1:0", "--module",
             os.environ["BENCH_MODULE"], *lanes_under_test()],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            preexec_fn=restrict)
        try:
            ready = False
            deadline = time.monotonic() + WAIT_SECONDS_MAX
            while process.poll() is None and not ready and time.monotonic() < deadline:
                readable, _, _ = select.select([process.stdout], [], [], 0.1)
                ready = bool(readable) and "node ready:" in process.stdout.readline()
            if ready:
                process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=WAIT_SECONDS_MAX)
        finally:
            process.kill()
            process.communicate()
        said = f"limit {value}: exit code {process.returncode}, ready: {ready}, said: {errors}"
        if ready:
            self.assertEqual(process.returncode, 0, said)
            return "served"
        if process.returncode == LOADER_FAILED:
            self.assertIn("error while loading shared libraries", errors, said)
            return errors
        self.assertEqual(process.returncode, NOT_STARTED, said)
        self.assertTrue(errors.startswith("dunlin: "), said)
        self.assertEqual(errors.count("\n"), 1, said)
        return errors

    def check(self, limit, values, hint, user=None, alone=True):
        outcomes = [self.start(limit, value, user) for value in values]
        self.assertIn("served", outcomes)
        self.assertTrue(any(hint in each for each in outcomes), outcomes)
        # What once is enough stays enough, as long as nobody else takes of it.
        if alone:
            first = outcomes.index("served")
            self.assertEqual(set(outcomes[first:]), {"served"}, outcomes)

    def test_a_node_starts_or_says_that_it_has_too_few_threads(self):
        user, counted = None, 0
        if os.getuid() == 0:
            user = NOBODY
            try:
                subprocess.run([binary(), "version"], user=user, group=user, extra_groups=[],
                               capture_output=True, check=True)
            except (PermissionError, subprocess.CalledProcessError):
                self.skipTest("other users cannot run what was built here")
        else:
            counted = tasks_of(os.getuid())
        self.check(resource.RLIMIT_NPROC, [counted + more for more in [*range(1, 24), 200]],
                   "ulimit -u", user, alone=user is not None)

    def test_a_node_starts_or_says_that_it_has_too_few_descriptors(self):
        self.check(resource.RLIMIT_NOFILE, [*range(4, 40), 100], "ulimit -n")

    def test_a_node_starts_or_says_that_it_has_too_little_address_space(self):
        roomy = 4096 * MIB
        try:
            if self.start(resource.RLIMIT_AS, roomy) != "served":
                self.skipTest("this build does not run under such a limit")
        except AssertionError:
            self.skipTest("this build does not run under such a limit")  # a sanitizer's
        steps = [*range(20, 500, 20), *range(500, 2200, 200)]  # with one arena of malloc, and more
        self.check(resource.RLIMIT_AS, [*(mib * MIB for mib in steps), roomy], "ulimit -v")


if __name__ == "__main__":
    unittest.main(verbosity=2)
