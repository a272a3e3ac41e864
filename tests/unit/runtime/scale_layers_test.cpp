// SPDX-License-Identifier: Apache-2.0
#include "runtime/scale_layers.hpp"

#include "tests/support/catch.hpp"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

using namespace dunlin;
using namespace dunlin::runtime;
using namespace std::chrono_literals;

namespace {

using actors::function_priority;

/// "64 file"
std::string shown(const settled_scale& settled, scale_field field) {
    const auto& [number, source] = settled.of(field);
    return (number ? value_text(row_of(field), *number) : "any") + " " +
           std::string(to_string(source));
}

std::string complaint(const scale_layers& layers) {
    const auto good = check(layers.settle());
    return good ? "" : good.error().detail;
}

loaded_module module_with(std::vector<std::pair<std::string, actors::scale_wishes>> functions) {
    loaded_module made;
    for (auto& [name, scale] : functions) {
        auto& function = made.functions.emplace_back();
        function.name = name;
        function.scale = scale;
    }
    return made;
}

function_settings in_file(std::string name, const actors::scale_wishes& scale) {
    return {std::move(name), scale, "node.toml:4:12"};
}

}  // namespace

TEST_CASE("where nobody says anything a function is scaled by the defaults") {
    const auto settled = scale_layers{}.settle();
    CHECK(shown(settled, scale_field::min) == "0 default");
    CHECK(shown(settled, scale_field::max) == "any default");
    CHECK(shown(settled, scale_field::target_wait) == "5ms default");
    CHECK(shown(settled, scale_field::idle) == "0s default");
    CHECK(shown(settled, scale_field::priority) == "normal default");
    CHECK(shown(settled, scale_field::weight) == "1 default");
    CHECK(settled.settings() == actors::scale_settings{});
}

TEST_CASE("of each setting the last who says anything counts: author, file, command") {
    scale_layers layers;
    layers.author = {.min = 1, .max = 100, .idle = 1min, .weight = 2};
    layers.file = {.max = 50, .idle = 2min, .priority = function_priority::high};
    layers.command = {.max = 20, .target_wait = 7ms};
    const auto settled = layers.settle();
    CHECK(shown(settled, scale_field::min) == "1 author");
    CHECK(shown(settled, scale_field::max) == "20 command");
    CHECK(shown(settled, scale_field::target_wait) == "7ms command");
    CHECK(shown(settled, scale_field::idle) == "2m file");
    CHECK(shown(settled, scale_field::priority) == "high file");
    CHECK(shown(settled, scale_field::weight) == "2 author");
    CHECK(settled.settings() == actors::scale_settings{.min = 1,
                                                       .max = 20,
                                                       .idle = 2min,
                                                       .target_wait = 7ms,
                                                       .priority = function_priority::high,
                                                       .weight = 2});
}

TEST_CASE("a node's limit for all functions cuts what authors want, and gives way to its file") {
    scale_layers layers;
    layers.activations = 8;
    CHECK(shown(layers.settle(), scale_field::max) == "8 activations");
    layers.author.max = 4;
    CHECK(shown(layers.settle(), scale_field::max) == "4 author");
    layers.author = {.min = 9, .max = 100};
    CHECK(shown(layers.settle(), scale_field::max) == "8 activations");
    CHECK(shown(layers.settle(), scale_field::min) == "8 activations");
    CHECK(complaint(layers).empty());
    layers.file.max = 100;
    CHECK(shown(layers.settle(), scale_field::max) == "100 file");
    layers.file = {.min = 9};  // of one mind with nobody
    CHECK(complaint(layers) == "min 9 by the node's file is above max 8 by --activations");
}

TEST_CASE("a minimum above a maximum is refused with those who said them") {
    scale_layers layers;
    layers.author = {.min = 8, .max = 16};
    CHECK(complaint(layers).empty());
    layers.file.max = 4;
    CHECK(complaint(layers) == "min 8 by the function's author is above max 4 by the node's file");
    layers.file = {.min = 20};
    CHECK(complaint(layers) ==
          "min 20 by the node's file is above max 16 by the function's author");
    layers.command.max = 20;
    CHECK(complaint(layers).empty());
    layers.command.max = 19;
    CHECK(complaint(layers) == "min 20 by the node's file is above max 19 by dunlin scale");
}

TEST_CASE("a node's plan has what authors and its file say of each function") {
    const std::vector modules{module_with({{"text/count", {.min = 1}}, {"text/words", {}}}),
                              module_with({{"shop/order", {}}})};
    node_config config;
    config.activations = 9;
    config.functions = {in_file("text/count", {.max = 4})};
    const auto plan = plan_scales(modules, config);
    REQUIRE(plan);
    CHECK(plan->size() == 3);
    const auto settled = plan->at("text/count").settle();
    CHECK(shown(settled, scale_field::min) == "1 author");
    CHECK(shown(settled, scale_field::max) == "4 file");
    CHECK(shown(plan->at("shop/order").settle(), scale_field::max) == "9 activations");
}

TEST_CASE("a function in the file that no module has is refused with those that there are") {
    const std::vector modules{module_with({{"text/count", {}}, {"shop/order", {}}})};
    const auto refusal = [&](const std::string& name, const actors::scale_wishes& scale = {},
                             bool with_modules = true) {
        node_config config;
        config.functions = {in_file(name, scale)};
        const auto plan = plan_scales(
            with_modules ? std::span(modules) : std::span<const loaded_module>(), config);
        CHECK((plan || plan.error().code == errc::invalid_argument));
        return plan ? "" : plan.error().detail;
    };
    CHECK(refusal("text/cuont") ==
          "node.toml:4:12: functions: no function \"text/cuont\"; did you mean text/count? There "
          "are shop/order, text/count");
    CHECK(refusal("zzzz/nothing") ==
          "node.toml:4:12: functions: no function \"zzzz/nothing\"; there are shop/order, "
          "text/count");
    CHECK(refusal("zzzz/nothing", {}, false) ==
          "node.toml:4:12: functions: no function \"zzzz/nothing\"; there are none: the node has "
          "no module");
    CHECK(refusal("dunlin/stats") ==
          "node.toml:4:12: functions: dunlin/stats is the node's own function, which scales by "
          "itself");
    CHECK(refusal("shop/order", {.min = 5}).empty());
}

TEST_CASE("what author and file say together has to be possible") {
    const std::vector modules{module_with({{"text/count", {.max = 4}}})};
    node_config config;
    config.functions = {in_file("text/count", {.min = 5})};
    const auto plan = plan_scales(modules, config);
    REQUIRE_FALSE(plan);
    CHECK(plan.error().detail ==
          "node.toml:4:12: functions.\"text/count\": min 5 by the node's file is above max 4 by "
          "the function's author");
}
