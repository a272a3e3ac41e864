# SPDX-License-Identifier: Apache-2.0
"""The verb `dunlin keygen`, and the keys that the other verbs take. Files go to a temporary folder;
see programs.py for what the environment has to name."""

import json
import os
import re
import stat
import subprocess
import tempfile
import unittest

from programs import WAIT_SECONDS_MAX, ProgramTest, binary, dunlin

KEY = r"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}"


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def value_in(text, key):
    return re.search(rf'^{key} = "(.*)"$', text, re.MULTILINE).group(1)


class KeygenTest(ProgramTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def keygen(self, *arguments, **options):
        """Runs it inside the folder, where its files go by default."""
        return subprocess.run([binary(), "keygen", *arguments], text=True, capture_output=True,
                              timeout=WAIT_SECONDS_MAX, check=False, cwd=self.folder, **options)

    def test_a_pair_is_two_files_and_the_secret_one_is_its_owners(self):
        ran = self.keygen("shop")
        self.assert_exit(ran, 0)
        self.assertEqual(sorted(os.listdir(self.folder)), ["shop.key", "shop.pub"])
        self.assertEqual(mode(self.path("shop.key")), 0o600)
        self.assertEqual(mode(self.path("shop.pub")), 0o644)
        secret, public = read(self.path("shop.key")), read(self.path("shop.pub"))
        for text in (secret, public):
            self.assertTrue(text.startswith("# The "))
            self.assertEqual(value_in(text, "name"), "shop")
        self.assertEqual(value_in(secret, "public_key"), value_in(public, "public_key"))
        self.assertRegex(value_in(secret, "secret_key"), rf"\A{KEY}\Z")
        self.assertNotIn("secret_key", public)
        # What is printed is the entry to paste, and no secret.
        self.assertIn(f'[[allow]]\nname = "shop"\nkey = "{value_in(public, "public_key")}"\n'
                      'role = "client"\nfunctions = ["bench/echo"]  # ', ran.stdout)
        self.assertNotIn(value_in(secret, "secret_key"), ran.stdout + ran.stderr)

    def test_existing_files_are_left_alone(self):
        for there in ("shop.key", "shop.pub"):
            with self.subTest(there=there):
                with open(self.path(there), "w", encoding="utf-8") as file:
                    file.write("mine")
                self.assert_complaint(self.keygen("shop"), 1, f"{there}: it exists already")
                self.assertEqual(os.listdir(self.folder), [there])
                self.assertEqual(read(self.path(there)), "mine")
                os.unlink(self.path(there))

    def test_json_names_everything_but_the_secret(self):
        ran = self.keygen("ann", "--role", "operator", "--json")
        self.assert_exit(ran, 0)
        said = json.loads(ran.stdout)
        self.assertEqual(said, {
            "name": "ann", "role": "operator", "secret_key_file": "ann.key",
            "public_key_file": "ann.pub",
            "public_key": value_in(read(self.path("ann.pub")), "public_key")})
        self.assertNotIn(value_in(read(self.path("ann.key")), "secret_key"), ran.stdout)

    def test_the_role_chooses_what_is_printed(self):
        ran = self.keygen("ann", "--role", "operator")
        self.assertIn('role = "operator"\n', ran.stdout)
        self.assertNotIn("functions =", ran.stdout)
        ran = self.keygen("nodes", "--role", "node")
        self.assertIn("dunlin node --key nodes.key", ran.stdout)
        self.assertIn("nodes.pub", ran.stdout)

    def test_files_go_where_they_are_told(self):
        os.mkdir(self.path("keys"))
        self.assert_exit(dunlin("keygen", "shop", "--dir", self.path("keys")), 0)
        self.assertEqual(sorted(os.listdir(self.path("keys"))), ["shop.key", "shop.pub"])
        self.assert_complaint(dunlin("keygen", "shop", "--dir", self.path("none")), 1,
                              "cannot make it: No such file or directory")

    def test_names_and_roles_that_are_none_are_refused(self):
        for name in ("", "../shop", "a/b", "Shop", ".shop", "a b", "a" * 65):
            with self.subTest(name=name):
                self.assert_complaint(self.keygen(name), 2, "is no name for a key")
        self.assert_complaint(self.keygen("shop", "--role", "admin"), 2,
                              "--role: 'admin' is not client, operator or node")
        self.assert_complaint(self.keygen(), 2, "NAME is required")
        self.assertEqual(os.listdir(self.folder), [])


class KeyOptionsTest(ProgramTest):
    """Of the verbs that call nodes; without a node: key files are read first."""

    VERBS = (("invoke", "bench/echo"), ("functions",), ("nodes",), ("top", "--once"),
             ("scale", "bench/echo"), ("drain", "n1"), ("bench", "bench/echo"))

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        for name in ("shop", "nodes"):
            self.assert_exit(dunlin("keygen", name, "--dir", self.folder), 0)

    def path(self, name):
        return os.path.join(self.folder, name)

    def test_every_verb_that_calls_nodes_takes_keys(self):
        none = self.path("none.key")
        for verb in self.VERBS:
            with self.subTest(verb=verb):
                self.assert_complaint(
                    dunlin(*verb, "--client-key", none, "--node-key", self.path("nodes.pub")), 2,
                    f"key file {none}: no such file")
                self.assert_complaint(
                    dunlin(*verb, environment={"DUNLIN_CLIENT_KEY": none,
                                               "DUNLIN_NODE_KEY": self.path("nodes.pub")}), 2,
                    f"key file {none}: no such file")

    def test_key_files_that_cannot_be_used_are_refused(self):
        shop, nodes = self.path("shop.key"), self.path("nodes.pub")
        os.chmod(self.path("nodes.key"), 0o644)
        for client_key, node_key, part in (
                (shop, None, f"only its own key {shop} is given"),
                (None, nodes, f"only the nodes' key {nodes} is given"),
                (self.path("shop.pub"), nodes, "holds a public key only"),
                (shop, shop, "holds a secret key"),
                (self.path("nodes.key"), nodes, "chmod 600"),
                (self.folder, nodes, "not a regular file"),
                (binary(), nodes, "too large to be a key file")):
            with self.subTest(client_key=client_key, node_key=node_key):
                arguments = ["functions"]
                if client_key:
                    arguments += ["--client-key", client_key]
                if node_key:
                    arguments += ["--node-key", node_key]
                self.assert_complaint(dunlin(*arguments), 2, part)

    def test_shells_complete_the_options_with_files(self):
        script = dunlin("completion", "bash").stdout
        self.assertIn("--client-key) mapfile -t COMPREPLY < <(compgen -f", script)
        self.assertIn("--node-key) mapfile -t COMPREPLY < <(compgen -f", script)
        self.assertIn("--role) mapfile -t COMPREPLY < <(compgen -W 'client operator node'", script)


if __name__ == "__main__":
    unittest.main()
