// SPDX-License-Identifier: Apache-2.0
//
// A main function for fuzzers where libFuzzer is not at hand.
//
//   NAME_fuzz [--seed N] [--seconds S] [FILE | DIRECTORY]...
//
// Runs every given file as it is, then mutations of them for about a second. The seed is fixed
// unless one is given, and printed, so a failure can be had again. When the process dies of an
// input, or one takes longer than 20 seconds, that input is left in the working directory as
// NAME_fuzz.crash.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;
using input = std::vector<std::uint8_t>;

constexpr std::size_t input_bytes_max = 4096;

// For the signal handler, which may touch nothing but plain memory.
constexpr std::array<int, 6> fatal_signals = {SIGABRT, SIGSEGV, SIGFPE, SIGBUS, SIGILL, SIGALRM};
constexpr unsigned hang_s_max = 20;
input current;
std::string crash_file;
std::array<struct sigaction, fatal_signals.size()> former_handlers;

// Saves the input and returns: what killed us happens again, and meets the former handler, which
// is a sanitizer's or the default.
void save_current(int signal) {
    const int file = ::open(crash_file.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0644);
    if (file >= 0) {
        [[maybe_unused]] const auto written = ::write(file, current.data(), current.size());
        ::close(file);
    }
    for (std::size_t i = 0; i < fatal_signals.size(); ++i)
        ::sigaction(fatal_signals[i], &former_handlers[i], nullptr);
    if (signal == SIGALRM) std::abort();  // a hang does not happen again by itself
}

void watch_fatal_signals() {
    struct sigaction action {};
    action.sa_handler = save_current;
    for (std::size_t i = 0; i < fatal_signals.size(); ++i)
        ::sigaction(fatal_signals[i], &action, &former_handlers[i]);
}

void run(input data) {
    current = std::move(data);
    current.shrink_to_fit();  // a read past the end is then one past the allocation
    ::alarm(hang_s_max);
    LLVMFuzzerTestOneInput(current.data(), current.size());
    ::alarm(0);
}

input read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

class mutator {
public:
    mutator(std::uint64_t seed, std::vector<input> corpus)
        : random_(seed),
          corpus_(std::move(corpus)) {
        if (corpus_.empty()) corpus_.emplace_back();
    }

    input next() {
        input data = corpus_[below(corpus_.size())];
        for (std::size_t changes = 1 + below(8); changes > 0; --changes) change(data);
        if (data.size() > input_bytes_max) data.resize(input_bytes_max);
        return data;
    }

private:
    std::size_t below(std::size_t end) {
        return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_);
    }
    std::uint8_t any_byte() { return static_cast<std::uint8_t>(below(256)); }

    // Bytes at the edges of msgpack's types and of integer widths, where decoders go wrong.
    std::uint8_t telling_byte() {
        static constexpr std::array<std::uint8_t, 16> bytes = {0x00, 0x01, 0x7f, 0x80, 0x8f, 0x90,
                                                               0x9f, 0xa0, 0xc0, 0xc4, 0xc6, 0xcf,
                                                               0xd9, 0xdc, 0xdf, 0xff};
        return bytes[below(bytes.size())];
    }

    void flip_bit(std::uint8_t& byte) { byte ^= static_cast<std::uint8_t>(1U << below(8)); }

    void change(input& data) {
        const auto at = data.empty() ? 0 : static_cast<std::ptrdiff_t>(below(data.size()));
        switch (data.empty() ? 0 : below(7)) {
            case 0: data.insert(data.begin() + at, any_byte()); break;
            case 1: data.insert(data.begin() + at, telling_byte()); break;
            case 2: data[static_cast<std::size_t>(at)] = telling_byte(); break;
            case 3: flip_bit(data[static_cast<std::size_t>(at)]); break;
            case 4: data.erase(data.begin() + at); break;
            case 5: data.resize(static_cast<std::size_t>(at)); break;
            case 6: splice(data, at); break;
        }
    }

    void splice(input& data, std::ptrdiff_t at) {
        const input& other = corpus_[below(corpus_.size())];
        if (other.empty()) return;
        const auto from = static_cast<std::ptrdiff_t>(below(other.size()));
        data.erase(data.begin() + at, data.end());
        data.insert(data.end(), other.begin() + from, other.end());
    }

    std::mt19937_64 random_;
    std::vector<input> corpus_;
};

}  // namespace

int main(int argc, char* argv[]) {
    std::uint64_t seed = 7440;
    double seconds = 1;
    std::vector<input> corpus;
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        if (argument == "--seed" && i + 1 < argc) {
            seed = std::stoull(argv[++i]);
        } else if (argument == "--seconds" && i + 1 < argc) {
            seconds = std::stod(argv[++i]);
        } else if (fs::is_directory(argument)) {
            for (const auto& entry : fs::directory_iterator(argument))
                corpus.push_back(read_file(entry.path()));
        } else {
            corpus.push_back(read_file(argument));
        }
    }
    crash_file = fs::path(argv[0]).filename().string() + ".crash";
    watch_fatal_signals();

    for (const auto& data : corpus) run(data);

    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    std::cout << corpus.size() << " files, seed " << seed << std::endl;
    mutator source(seed, std::move(corpus));
    std::uint64_t runs = 0;
    for (; std::chrono::steady_clock::now() < end; ++runs) run(source.next());
    std::cout << runs << " mutations" << std::endl;
}
