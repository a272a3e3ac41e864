# SPDX-License-Identifier: Apache-2.0
"""Keys for a cluster under test: the nodes' pair, an operator's, and a client's with few rights."""

import subprocess

ALLOW = """
[[allow]]
name = "operator"
key_file = "operator.pub"
role = "operator"

[[allow]]
name = "client"
key_file = "client.pub"
functions = ["bench/*", "chaos/*"]
"""


class Keys:
    """Files in a directory, made by `dunlin keygen`."""

    def __init__(self, programs, directory):
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        for name, more in (("nodes", ["--role", "node"]), ("operator", []), ("client", [])):
            subprocess.run([programs.dunlin, "keygen", name, *more], cwd=directory, check=True,
                           capture_output=True)
        (directory / "allow.toml").write_text(ALLOW)

    def of_node(self):
        return ["--key", self._directory / "nodes.key", "--allow", self._directory / "allow.toml"]

    def of_operator(self):
        return ["--client-key", self._directory / "operator.key", "--node-key",
                self._directory / "nodes.pub"]

    def of_client(self):
        """For chaos_load and attacks.py."""
        return ["--key", self._directory / "client.key", "--node-key",
                self._directory / "nodes.pub"]
