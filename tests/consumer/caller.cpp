// SPDX-License-Identifier: Apache-2.0
//
//   caller ENDPOINT
//
// Calls the module's function once and a function that is not there once; prints both outcomes.
#include "guest.hpp"

#include <dunlin/client.hpp>

#include <iostream>
#include <string>

int main(int argc, char* argv[]) {
    if (argc != 2) {
        std::cerr << "usage: caller ENDPOINT\n";
        return 2;
    }
    auto client = dunlin::client::connect(std::string(argv[1]));
    if (!client) {
        std::cerr << to_string(client.error()) << "\n";
        return 1;
    }

    const guest who{"Ada", {"Countess", "Dr."}};
    const auto greeting = client->invoke<std::string>("greeting/greet", who);
    if (!greeting) {
        std::cerr << to_string(greeting.error()) << "\n";
        return 1;
    }
    std::cout << *greeting << "\n";

    const auto nobody = client->invoke<std::string>("greeting/nobody", who);
    std::cout << (nobody ? "answered" : to_string(nobody.error().code)) << "\n";
}
