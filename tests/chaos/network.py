# SPDX-License-Identifier: Apache-2.0
"""Hosts on this machine: network namespaces that meet at a bridge, and links that can be cut.

Everything lives inside namespaces whose names hold this process's id: the bridge and both ends of
every cable too, so that removing the namespaces removes all of it, and nothing of the machine's own
network is touched. A cut drops packets in silence, as a broken switch does: no end is told.
"""

import os
import shutil
import subprocess


class NotPermitted(Exception):
    """This machine gives us no namespaces; the message says why."""


def ip(*words):
    ran = subprocess.run(["ip", *map(str, words)], capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise NotPermitted(f"ip {' '.join(map(str, words))}: {ran.stderr.strip()}")


class Network:
    """Use it in a `with` statement. Hosts are named by the caller."""

    def __init__(self, hosts):
        self._hosts = list(hosts)
        self._made = []
        self._mark = f"dunlin-chaos-{os.getpid()}"

    def __enter__(self):
        try:
            self._make()
            return self
        except BaseException:
            self.__exit__()
            raise

    def _make(self):
        for program in ("ip", "iptables"):
            if shutil.which(program) is None:
                raise NotPermitted(f"there is no program {program}")
        if os.geteuid() != 0:
            raise NotPermitted("network namespaces need root")
        for host in ["hub", *self._hosts]:
            ip("netns", "add", self._space(host))
            self._made.append(host)
            self._in(host, "link", "set", "lo", "up")
        self._in("hub", "link", "add", "bridge", "type", "bridge")
        self._in("hub", "link", "set", "bridge", "up")
        for number, host in enumerate(self._hosts):
            self._in("hub", "link", "add", f"port{number}", "type", "veth",
                     "peer", "name", "eth0", "netns", self._space(host))
            self._in("hub", "link", "set", f"port{number}", "master", "bridge", "up")
            self._in(host, "addr", "add", f"{self.address(host)}/24", "dev", "eth0")
            self._in(host, "link", "set", "eth0", "up")
            self._tables(host, "-L", "-n")

    def __exit__(self, *_):
        for host in self._made:
            subprocess.run(["ip", "netns", "del", self._space(host)], capture_output=True,
                           check=False)
        self._made = []

    def _space(self, host):
        return f"{self._mark}-{host}"

    def _in(self, host, *words):
        ip("-n", self._space(host), *words)

    def _tables(self, host, *words):
        ran = subprocess.run([*self.prefix(host), "iptables", "-w", *words], capture_output=True,
                             text=True, check=False)
        if ran.returncode != 0:
            raise NotPermitted(f"iptables {' '.join(words)}: {ran.stderr.strip()}")

    def address(self, host):
        return f"10.77.0.{self._hosts.index(host) + 1}"

    def prefix(self, host):
        """Words that run a command on a host. They end in the command itself: its process id is
        that of what was started."""
        return ["ip", "netns", "exec", self._space(host)]

    def cut(self, side, other):
        """Nothing passes any more between the hosts of one side and those of the other."""
        for here in side:
            for there in other:
                self._tables(here, "-A", "INPUT", "-s", self.address(there), "-j", "DROP")
                self._tables(here, "-A", "OUTPUT", "-d", self.address(there), "-j", "DROP")

    def cut_one_way(self, source, target):
        """Nothing passes any more from one host to another; the other way it does."""
        self._tables(target, "-A", "INPUT", "-s", self.address(source), "-j", "DROP")

    def heal(self, side):
        for host in side:
            self._tables(host, "-F")
