// SPDX-License-Identifier: Apache-2.0
//
// error: a raw pointer cannot travel: hold the value itself
//
// names: page::words
#include <dunlin/client.hpp>
#include <dunlin/function.hpp>

struct page {
    const int* words = nullptr;
    DUNLIN_FIELDS(words)
};

int main() {
    auto client = dunlin::client::connect("tcp://127.0.0.1:7440");
    return client->invoke<int>("text/count", page{}).value_or(0);
}
