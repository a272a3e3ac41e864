// SPDX-License-Identifier: Apache-2.0
#include "runtime/packed_list.hpp"

#include "tests/support/catch.hpp"

using dunlin::runtime::packed_list;
using nlohmann::json;

TEST_CASE("a list is packed as the whole of it would be") {
    packed_list list;
    CHECK(json::from_msgpack(list.take()) == json::array());
    json expected = json::array();
    for (int i = 0; i < 300; ++i) {
        const json element{{"name", "f" + std::to_string(i)}, {"count", i}, {"what", nullptr}};
        list.add(element);
        expected.push_back(element);
    }
    CHECK(json::from_msgpack(list.take()) == expected);
    CHECK(json::from_msgpack(list.take()) == json::array());
}

TEST_CASE("a packed list is a member of an object") {
    packed_list list;
    list.add(1);
    list.add("two");
    const json object{{"node", "n1"}, {"lanes", 2}};
    json expected = object;
    expected["functions"] = {1, "two"};
    CHECK(json::from_msgpack(list.take_into(object, "functions")) == expected);
}
