# SPDX-License-Identifier: Apache-2.0
"""A node whose name server takes questions and answers none, in network and mount namespaces of the
test's own. Needs root and unshare, and is skipped without. See programs.py for what the environment
has to name."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from programs import Node, dunlin

INSIDE = "--inside"
SERVER = "127.0.0.2"


def inside():
    """Two nodes, of which one goes by a name. What the other is asked meanwhile is answered soon."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.NamedTemporaryFile("w") as resolver, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        resolver.write(f"nameserver {SERVER}\n")
        resolver.flush()
        subprocess.run(["mount", "--bind", resolver.name, "/etc/resolv.conf"], check=True)
        server.bind((SERVER, 53))
        server.settimeout(30)
        with Node("--name", "n1") as first, \
                Node("--name", "n2", "--advertise", "n2.nowhere.test", "--join",
                     first.endpoint):
            server.recv(4096)  # it has been asked, and waits
            slowest = 0
            for _ in range(20):
                began = time.monotonic()
                ran = dunlin("invoke", "bench/echo", "1", "--node", first.endpoint,
                             "--timeout", "5s")
                slowest = max(slowest, time.monotonic() - began)
                assert ran.returncode == 0, ran.stderr
            listed = json.loads(dunlin("nodes", "--json", "--node", first.endpoint).stdout)
            states = {member["name"]: member["state"] for member in listed}
            first.signal(signal.SIGTERM)
            began = time.monotonic()
            assert first.wait() == 0, first.log()
            print(json.dumps({"slowest": slowest, "states": states,
                              "stopped": time.monotonic() - began}))


class NameServerTest(unittest.TestCase):
    def test_a_name_server_that_does_not_answer_holds_up_neither_calls_nor_the_stop(self):
        if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("ip") is None:
            self.skipTest("needs root, unshare and ip")
        tried = subprocess.run(["unshare", "--mount", "--net", "true"], check=False)
        if tried.returncode != 0:
            self.skipTest("namespaces are not permitted here")
        ran = subprocess.run(["unshare", "--mount", "--net", sys.executable, "-B", __file__, INSIDE],
                             capture_output=True, text=True, timeout=200, check=False)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        seen = json.loads(ran.stdout)
        self.assertEqual(seen["states"], {"n1": "alive", "n2": "alive"})
        # A name server is waited for ten seconds.
        self.assertLess(seen["slowest"], 4)
        self.assertLess(seen["stopped"], 5)


if __name__ == "__main__":
    if INSIDE in sys.argv:
        inside()
    else:
        unittest.main()
