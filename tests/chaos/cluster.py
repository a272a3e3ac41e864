# SPDX-License-Identifier: Apache-2.0
"""Nodes that know each other, and the callers beside them: one life for all of them."""

import os
import pathlib
import time

from processes import ChaosError, Load, Node, Ports

WHOLE_SECONDS_MAX = 30
KNOWN_SECONDS_MAX = 10


class Cluster:
    """Nodes n1, n2, ...; each is told to join all the others, as a headless service would."""

    def __init__(self, programs, directory, count=3, options=(), slow=None, network=None,
                 keys=None, modules=(), wrap=(), log_level="debug"):
        self.programs, self.network, self.keys = programs, network, keys
        self.modules, self.wrap, self.log_level = list(modules), list(wrap), log_level
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.options = list(options)
        self.name = f"chaos-{os.getpid()}"
        self.names = [f"n{number}" for number in range(1, count + 1)]
        self._slow, self._lives, self._loads = slow or {}, {}, []
        self.nodes = {}
        if network:
            self.options.append("--insecure")
            self._endpoints = {name: f"tcp://{network.address(name)}:7440" for name in self.names}
        else:
            ports = Ports()
            self._endpoints = {name: f"tcp://127.0.0.1:{ports.take()}" for name in self.names}

    def __enter__(self):
        try:
            for number, name in enumerate(self.names):
                self.start(name, join=self.names[:number])
            self.await_whole()
            return self
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_):
        self.close()

    def close(self):
        for each in [*self._loads, *self.nodes.values()]:
            each.close()

    def prefix(self, where):
        return self.network.prefix(where) if self.network else []

    def endpoints(self, first=0):
        """Of all nodes, beginning with one of them."""
        ordered = self.names[first:] + self.names[:first]
        return [self._endpoints[name] for name in ordered]

    def start(self, name, join=None):
        life = self._lives[name] = self._lives.get(name, 0) + 1
        others = [each for each in self.names if each != name] if join is None else join
        if name in self.nodes:
            self.nodes[name].close()
        node = self.nodes[name] = Node(self, name, life, self._endpoints[name],
                                       [self._endpoints[each] for each in others],
                                       self._slow.get(name, 1))
        node.await_ready()
        return node

    def others(self, name):
        return [node for each, node in self.nodes.items() if each != name]

    def await_whole(self, seconds=WHOLE_SECONDS_MAX):
        """Until every node sees every node alive. Returns how long that took."""
        began = time.monotonic()
        waiting = list(self.nodes.values())
        while waiting:
            waiting = [node for node in waiting if not node.sees_alive(self.names)]
            if waiting and time.monotonic() - began > seconds:
                raise ChaosError(f"after {seconds} s {waiting[0].name} sees {waiting[0].members()}")
            if waiting:
                time.sleep(0.05)
        return time.monotonic() - began

    def await_known_dead(self, victim, since_wall_s):
        """How many seconds later the last of the others said that the node is dead."""
        limit = time.monotonic() + KNOWN_SECONDS_MAX
        while True:
            told = [node.told_at("member died", victim, since_wall_s)
                    for node in self.others(victim)]
            if all(told):
                return max(told) - since_wall_s
            if time.monotonic() > limit:
                raise ChaosError(f"{victim} ended and is not known dead after "
                                 f"{KNOWN_SECONDS_MAX} s")
            time.sleep(0.01)

    def load(self, function, **options):
        return self.keep(Load(self, function, **options))

    def keep(self, load):
        """It ends with the cluster."""
        self._loads.append(load)
        return load

    def traces(self):
        return sorted(self.directory.glob("trace-*"))
