// SPDX-License-Identifier: Apache-2.0
//
// Payloads of strangers into a type that has everything.
//
// The input is taken as a payload and decoded into a struct of every kind of member. Either it is
// refused with an error that has words, or it is accepted, and then the value is a fixpoint: what
// it encodes to decodes again, and encodes to the same bytes. The payload lies in memory of
// exactly its size, so that a sanitizer sees a read behind its end. A second pass decodes with a
// shared owner, and a third walks the payload as `raw`: three readings that have to agree.
#include <dunlin/codec.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

namespace {

enum class colour : std::int16_t { red };

struct leaf {
    std::int8_t i8 = 0;
    std::uint8_t u8 = 0;
    std::int16_t i16 = 0;
    std::uint16_t u16 = 0;
    std::int32_t i32 = 0;
    std::uint32_t u32 = 0;
    std::int64_t i64 = 0;
    std::uint64_t u64 = 0;
    float f = 0;
    double d = 0;
    bool b = false;
    std::string s = {};
    colour c = colour::red;
    std::chrono::milliseconds ms{0};
    DUNLIN_FIELDS(i8, u8, i16, u16, i32, u32, i64, u64, f, d, b, s, c, ms)
};

struct tree {
    std::string_view name = {};
    dunlin::bytes blob = {};
    dunlin::bytes_view view = {};
    std::vector<tree> v = {};
    std::map<std::string, leaf> m = {};
    std::map<std::int64_t, std::deque<bool>> n = {};
    std::unordered_map<std::string, std::list<double>> u = {};
    std::set<std::string> set = {};
    std::optional<leaf> o = {};
    std::unique_ptr<tree> p = {};
    std::variant<std::monostate, std::int64_t, std::string, std::vector<leaf>> x = {};
    std::tuple<int, std::string, std::pair<bool, float>> t = {};
    std::array<std::uint8_t, 3> a = {};
    std::vector<bool> bits = {};
    std::vector<std::byte> octets = {};
    DUNLIN_FIELDS(name, blob, view, v, m, n, u, set, o, p, x, t, a, bits, octets)
};

void require(bool holds) {
    if (!holds) std::abort();
}

template <class T>
void check(dunlin::bytes_view payload) {
    const auto first = dunlin::decode<T>(payload);
    const dunlin::bytes shared(payload);
    const auto second = dunlin::decode<T>(shared);
    require(first.has_value() == second.has_value());
    if (!first) {
        require(first.error().code == dunlin::errc::invalid_argument);
        require(!first.error().detail.empty());
        require(first.error() == second.error());
        return;
    }
    require(dunlin::decode<dunlin::raw>(payload).has_value());
    const dunlin::bytes once = dunlin::encode(*first);
    require(once == dunlin::encode(*second));
    const auto again = dunlin::decode<T>(once);
    require(again.has_value());
    // Hashed containers may come in another order, but never in another size.
    require(dunlin::encode(*again).size() == once.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::vector<std::byte> exact(reinterpret_cast<const std::byte*>(data),
                                       reinterpret_cast<const std::byte*>(data) + size);
    check<tree>(exact);
    check<leaf>(exact);
    check<std::vector<std::map<std::int32_t, std::string>>>(exact);
    check<std::tuple<dunlin::raw, std::optional<double>>>(exact);
    return 0;
}
