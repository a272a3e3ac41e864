// SPDX-License-Identifier: Apache-2.0
//
// A function that notes in which order its calls come, for nodes that have one activation of it.
#include <dunlin/function.hpp>

#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace {

std::mutex mutex;
std::map<std::string, std::vector<int>> lists;

struct numbered_call {
    std::string list;
    int number = 0;
    std::string padding;
    DUNLIN_FIELDS(list, number, padding)
};

void note(const numbered_call& what) {
    const std::lock_guard lock(mutex);
    lists[what.list].push_back(what.number);
}

std::vector<int> noted(const std::string& list) {
    const std::lock_guard lock(mutex);
    return lists[list];
}

}  // namespace

DUNLIN_MODULE(order, m) {
    m.function("note", note);
    m.function("noted", noted);
}
