#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of check_layers.py: each rule finds its offence and leaves its neighbour alone."""
import os
import tempfile
import unittest

import check_layers

HEAD = "// SPDX-License-Identifier: Apache-2.0\n//\n// What this is for.\n#pragma once\n"


class LayersTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def write(self, path, text):
        full = os.path.join(self.folder.name, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)

    def check(self, path, text, **options):
        self.write(path, text)
        options = {"long_files": {}, "long_headers": {}, "upward": {}, **options}
        return list(check_layers.findings(self.folder.name, [path], **options))

    def includes(self, path, *targets):
        lines = [f"#include {target}" for target in targets]
        return self.check(path, HEAD + "\n".join(lines) + "\n")

    def test_lower_rooms_are_visible(self):
        self.write("sdk/src/wire/envelope.hpp", HEAD)
        self.assertEqual(
            [],
            self.includes(
                "runtime/router.hpp",
                '"actors/pool.hpp"',
                '"wire/envelope.hpp"',
                "<dunlin/result.hpp>",
                "<vector>",
            ),
        )

    def test_upper_rooms_are_not(self):
        for path, target in (
            ("sdk/src/client/client.cpp", "actors/pool.hpp"),
            ("actors/pool.hpp", "runtime/node.hpp"),
            ("runtime/node.cpp", "tests/support/catch.hpp"),
            ("examples/text/text.cpp", "actors/pool.hpp"),
        ):
            with self.subTest(path):
                found = self.includes(path, f'"{target}"')
                self.assertEqual(1, len(found), found)
                self.assertIn("must not see", found[0])

    def test_a_matcher_with_two_meanings_is_not_used(self):
        self.assertEqual([], self.check("tests/a_test.cpp", HEAD + "using Catch::Contains;\n"))
        found = self.check("tests/a_test.cpp", HEAD + "using Catch::Matchers::Contains;\n")
        self.assertEqual(1, len(found), found)

    def test_the_line_is_named(self):
        found = self.includes("actors/pool.hpp", "<vector>", '"runtime/node.hpp"')
        self.assertTrue(found[0].startswith("actors/pool.hpp:6: "), found)

    def test_relative_includes_are_refused(self):
        found = self.includes("actors/pool.cpp", '"pool.hpp"')
        self.assertIn("path from the top", found[0])
        self.assertEqual([], self.includes("tests/consumer/a.cpp", '"b.hpp"'))

    def test_public_headers_show_std_and_dunlin_only(self):
        path = "sdk/include/dunlin/client.hpp"
        fine = ("<vector>", "<dunlin/bytes.hpp>", "<tl/expected.hpp>", "<stdint.h>")
        self.assertEqual([], self.includes(path, *fine))
        for target in ("<zmq.hpp>", "<msgpack.hpp>", "<caf/all.hpp>", "<unistd.h>", '"wire/x.hpp"'):
            with self.subTest(target):
                self.assertNotEqual([], self.includes(path, target))

    def test_libraries_stay_in_their_places(self):
        for path, target, fine in (
            ("actors/pool.hpp", "<caf/all.hpp>", True),
            ("runtime/lane/lane.hpp", "<caf/execution_unit.hpp>", True),
            ("runtime/node.cpp", "<caf/actor_system.hpp>", True),
            ("runtime/router.cpp", "<caf/actor.hpp>", False),
            ("runtime/node_config.hpp", "<caf/actor.hpp>", False),
            ("runtime/lane/socket.hpp", "<zmq.hpp>", True),
            ("sdk/src/client/link.cpp", "<zmq.h>", True),
            ("runtime/security/gate.hpp", "<zmq.hpp>", True),
            ("runtime/security/allow_list.cpp", "<zmq.hpp>", False),
            ("actors/pool.cpp", "<zmq.hpp>", False),
            ("sdk/src/codec/codec.cpp", "<msgpack.hpp>", True),
            ("runtime/lane/lane.cpp", "<msgpack/pack.hpp>", False),
            ("examples/text/text.cpp", "<zmq.hpp>", False),
        ):
            with self.subTest(path=path, target=target):
                self.assertEqual(fine, self.includes(path, target) == [])

    def test_loops_do_not_go_over_what_a_result_owns(self):
        for loop, fine in (
            ("for (const auto& each : *board.nodes())", False),
            ("for (const auto& each : *board_->nodes(true)) use(each);", False),
            ("for (auto& [name, id] : list()->items) {", False),
            ("for (const auto& [a_long_name, another] :\n     *board.nodes())", False),
            ("for (const auto& [a_long_name, another] :\n     board.nodes())", True),
            ("for (auto& each : *nodes)", True),
            ("for (auto& each : *list) all.push_back(read(each));", True),
            ("for (auto& each : board->items())", True),
            ("for (auto i = 0; i < f()->size; ++i)", True),
            ("for (const std::string& each : names(a)) b()->add(each);", True),
        ):
            with self.subTest(loop=loop):
                self.assertEqual(fine, self.check("actors/a.cpp", HEAD + loop + "\n") == [])

    def test_floors_of_the_runtime_point_down(self):
        for path, target, fine in (
            ("runtime/program/a.cpp", "runtime/node.hpp", True),
            ("runtime/node.cpp", "runtime/lane/lane.hpp", True),
            ("runtime/lane/a.cpp", "runtime/calls/a.hpp", True),
            ("runtime/cluster/a.cpp", "runtime/link/a.hpp", True),
            ("runtime/link/a.cpp", "runtime/security/a.hpp", True),
            ("runtime/link/a.cpp", "runtime/log.hpp", True),
            ("runtime/config/a.cpp", "runtime/text/a.hpp", True),
            ("runtime/node.cpp", "runtime/program/a.hpp", False),
            ("runtime/lane/a.cpp", "runtime/node.hpp", False),
            ("runtime/link/a.hpp", "runtime/cluster/a.hpp", False),
            ("runtime/calls/a.hpp", "runtime/lane/a.hpp", False),
            ("runtime/security/a.hpp", "runtime/lane/a.hpp", False),
            ("runtime/membership/a.hpp", "runtime/config/a.hpp", False),
            ("runtime/log.hpp", "runtime/node.hpp", False),
            ("runtime/lane/a.cpp", "runtime/attic/a.hpp", False),
        ):
            with self.subTest(path=path, target=target):
                found = self.includes(path, f'"{target}"')
                self.assertEqual(fine, found == [], found)

    def circles(self, upward=None, **includes):
        """`actors__a_cpp=["target"]` is the file actors/a.cpp."""
        paths = []
        for name, targets in includes.items():
            paths.append(".".join(name.replace("__", "/").rsplit("_", 1)))
            self.write(paths[-1], HEAD + "".join(f"#include {each}\n" for each in targets))
        return list(check_layers.circle_findings(self.folder.name, paths, upward or {}))

    def test_an_exception_allows_one_include_and_goes_when_it_is_not_needed(self):
        path, target = "runtime/link/a.hpp", "runtime/lane/a.hpp"
        upward = {path: {target}}
        text = HEAD + f'#include "{target}"\n'
        self.assertEqual([], self.check(path, text, upward=upward))
        self.assertNotEqual([], self.check("runtime/link/b.hpp", text, upward=upward))
        self.write(target, HEAD)
        self.assertEqual([], self.circles(upward, runtime__link__a_hpp=[f'"{target}"']))
        self.assertIn("take it out of UPWARD", self.circles(upward, runtime__link__a_hpp=[])[0])

    def test_folders_do_not_include_each_other_in_a_circle(self):
        a, b, c = '"runtime/a/a.hpp"', '"runtime/b/b.hpp"', '"wire/c.hpp"'
        chain = self.circles(runtime__a__a_hpp=[b], runtime__b__b_hpp=[c], sdk__src__wire__c_hpp=[])
        self.assertEqual([], chain)
        found = self.circles(
            runtime__a__a_hpp=[b], runtime__b__b_hpp=[c], sdk__src__wire__c_hpp=[], runtime__b__d_cpp=[a]
        )
        self.assertEqual(1, len(found), found)
        self.assertIn("runtime/a, runtime/b: ", found[0])
        self.assertIn('runtime/b/d.cpp:5 "runtime/a/a.hpp"', found[0])
        public = self.circles(
            sdk__include__dunlin__a_hpp=["<dunlin/codec/b.hpp>"],
            sdk__include__dunlin__codec__b_hpp=["<dunlin/a.hpp>"],
        )
        self.assertEqual([], public)

    def test_files_begin_with_the_licence(self):
        self.assertIn("licence", self.check("actors/a.cpp", "int x;\n")[0])
        self.assertEqual([], self.check("actors/a.cpp", HEAD))
        script = "#!/bin/bash\n# SPDX-License-Identifier: Apache-2.0\n"
        self.assertEqual([], self.check("tests/a.sh", script))

    def test_headers_open_with_a_comment(self):
        bare = "// SPDX-License-Identifier: Apache-2.0\n#pragma once\n"
        self.assertIn("opens with a comment", self.check("actors/a.hpp", bare)[0])
        self.assertEqual([], self.check("actors/a.cpp", bare))
        c_style = "/* SPDX-License-Identifier: Apache-2.0\n *\n * The border. */\n"
        self.assertEqual([], self.check("sdk/include/dunlin/abi.h", c_style))

    def test_files_stay_short_and_the_list_only_shrinks(self):
        path = "actors/a.cpp"
        self.assertEqual([], self.check(path, HEAD + "\n" * 496))
        self.assertIn("501 lines", self.check(path, HEAD + "\n" * 497)[0])
        header = "runtime/lane/a.hpp"
        self.assertEqual([], self.check(header, HEAD + "\n" * 196))
        self.assertIn("201 lines", self.check(header, HEAD + "\n" * 197)[0])
        self.assertEqual([], self.check("runtime/text/a.hpp", HEAD + "\n" * 197))
        self.assertEqual([], self.check("runtime/lane/a.cpp", HEAD + "\n" * 197))
        headers = {header: (250, "why")}
        self.assertEqual([], self.check(header, HEAD + "\n" * 246, long_headers=headers))
        self.assertIn("lower its entry", self.check(header, HEAD, long_headers=headers)[0])
        listed = {path: 600}
        self.assertEqual([], self.check(path, HEAD + "\n" * 596, long_files=listed))
        self.assertIn("lower its entry", self.check(path, HEAD, long_files=listed)[0])


if __name__ == "__main__":
    unittest.main()
