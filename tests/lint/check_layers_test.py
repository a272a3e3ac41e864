#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of check_layers.py: each rule finds its offence and leaves its neighbour alone."""
import os
import tempfile
import unittest

import check_layers
import class_shapes

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

    def test_classes_stay_small_and_the_list_only_shrinks(self):
        path = "actors/a.hpp"

        def check(members, methods, large=None):
            body = "".join(f"int m{i}_;\n" for i in range(members))
            body += "".join(f"void f{i}();\n" for i in range(methods))
            self.write(path, HEAD + f"class a {{\n{body}}};\n")
            return list(check_layers.class_findings(self.folder.name, [path], large or {}))

        self.assertEqual([], check(30, 40))
        self.assertIn("31 members and 0 methods, at most 30", check(31, 0)[0])
        self.assertIn("0 members and 41 methods, at most 30", check(0, 41)[0])
        listed = {f"{path} a": (32, 50, "why")}
        self.assertEqual([], check(32, 50, listed))
        self.assertIn("split it", check(33, 50, listed)[0])
        self.assertIn("lower its entry", check(31, 50, listed)[0])
        self.assertIn("take it out", check(1, 1, listed)[0])
        self.assertIn("is gone", check(1, 1, {"actors/b.hpp b": (32, 50, "why"), **listed})[-1])

    def test_members_and_methods_are_counted(self):
        for body, members, methods in (
            ("int a_; int b_ = 1; int c_{2}; int d_, e_ = f(1, 2), g_[2];", 6, 0),
            ("std::function<void(int)> f_; std::map<int, std::pair<int, int>> m_;", 2, 0),
            ("void (*call_)(int); char text_[sizeof(int)]; unsigned bits_ : 3;", 3, 0),
            ("struct other& o_; alignas(64) std::atomic<int> a_{0}; mutable int m_;", 3, 0),
            ('char brace_ = \'}\'; const char* text_ = "}; int b_;"; // int c_;', 2, 0),
            ("std::function<int()> f_ = [] { return 1; };", 1, 0),
            ("static constexpr int x = 1; using t = int; friend class f; class g;", 0, 0),
            ("enum class e : int { a, b }; static_assert(sizeof(int) == 4);", 0, 0),
            ("void f(); void f(int = {}); int g() const { return h({1}); } int i_;", 1, 3),
            ("a(); explicit a(int x) : b_{x}, c_(x) {} a(a&&) = default; ~a(); int b_;", 1, 3),
            ("template <class T> requires (T::x) void f(T) requires y<T> { if (1) {} }", 0, 1),
            ("bool operator==(const a&) const; bool operator<(a) { return 1 < 2; }", 0, 2),
            ("[[nodiscard]] auto f() noexcept(false) -> std::vector<int>; virtual void g() = 0;", 0, 2),
            ("a& operator=(const a&) = delete; bool operator==(const a&) const = default;", 0, 0),
            ("struct b { int x; void f(); }; b one_; struct { int y; } two_;", 2, 0),
            ("union { int a; long b; }; struct c; enum { x } kind_;", 3, 0),
            ("public: int a_; private:\n#define X }\n void f(); protected: a* next_;", 2, 1),
            ("a() : b_{1} {} void f() {} DUNLIN_FIELDS(x, y) int x; int y;", 2, 2),
        ):
            with self.subTest(body=body):
                text = f"namespace n {{\nclass a final : base<int> {{\n{body}\n}};\n}}\nint after;\n"
                found = {name: counts for name, *counts in class_shapes.shapes(text)}
                self.assertEqual([members, methods], found["a"])

    def test_nested_classes_count_apart(self):
        text = "struct a { class b { int x_; void f(); struct c { int y; }; }; int z; };"
        self.assertEqual(
            [("a::b::c", 1, 0), ("a::b", 1, 1), ("a", 1, 0)], class_shapes.shapes(text)
        )
        self.assertEqual([], class_shapes.shapes("enum class e { a }; class f; void g() { struct h {}; }"))

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
