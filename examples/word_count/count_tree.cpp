// SPDX-License-Identifier: Apache-2.0
#include "count_tree.hpp"

#include "text_file.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

namespace word_count {

using dunlin::result;

namespace {

using clock = std::chrono::steady_clock;

class tree_counter {
public:
    tree_counter(call_window& window, std::size_t chunk_bytes, progress& shown, tree_totals& totals)
        : window_(window),
          chunk_bytes_(chunk_bytes),
          shown_(shown),
          totals_(totals) {}

    result<void> count_file(const std::filesystem::path& path) {
        std::ifstream stream(path, std::ios::binary);
        text_file text(stream, chunk_bytes_);
        if (stream.is_open() && text.binary()) {
            ++totals_.binary;
            return {};
        }
        std::string chunk;
        while (stream.is_open() && text.next(chunk)) {
            if (auto begun = window_.start(path.native(), std::move(chunk)); !begun) return begun;
            show();
        }
        ++(!stream.is_open() || text.failed() ? totals_.unreadable : totals_.files);
        return {};
    }

private:
    void show() {
        if (!shown_.due()) return;
        const std::chrono::duration<double> passed = clock::now() - began_;
        const auto& done = window_.totals();
        shown_.show(grouped(totals_.files) + " files, " + megabytes(done.bytes) + ", " +
                    grouped(per_second(done.calls, passed.count())) + " calls/s");
    }

    call_window& window_;
    std::size_t chunk_bytes_;
    progress& shown_;
    tree_totals& totals_;
    clock::time_point began_ = clock::now();
};

}  // namespace

result<void> count_tree(dunlin::client& client, std::vector<walk_start> starts,
                        std::size_t chunk_bytes, const window_options& window,
                        const std::atomic<bool>& interrupted, progress& shown,
                        tree_totals& totals) {
    const auto began = clock::now();
    file_walk walk(std::move(starts));
    call_window calls(client, interrupted, window);
    tree_counter counter(calls, chunk_bytes, shown, totals);

    result<void> outcome;
    while (outcome) {
        const auto file = walk.next();
        if (!file) break;
        if (interrupted)
            outcome = dunlin::error{dunlin::errc::cancelled, "interrupted"};
        else
            outcome = counter.count_file(*file);
    }
    if (outcome) outcome = calls.finish();
    shown.clear();
    totals.unreadable += walk.unreadable();
    totals.calls = calls.take_totals();
    totals.seconds = clock::now() - began;
    return outcome;
}

}  // namespace word_count
