// SPDX-License-Identifier: Apache-2.0
#include <dunlin/module.hpp>

#include <stdexcept>
#include <string>

namespace dunlin {
namespace {

using std::chrono::microseconds;

/// One function's mistakes, each a sentence with its name.
class complaints {
public:
    explicit complaints(const std::string& function) : function_(function) {}

    [[noreturn]] void about(const std::string& why) const {
        throw std::invalid_argument("function \"" + function_ + "\" cannot be scaled: " + why);
    }
    void check(const char* what, const std::optional<std::int64_t>& value, std::int64_t least,
               std::int64_t most) const {
        if (!value || (*value >= least && *value <= most)) return;
        about(std::string(what) + " " + std::to_string(*value) + " is not between " +
              std::to_string(least) + " and " + std::to_string(most));
    }
    void check(const char* what, const std::optional<microseconds>& value, microseconds least,
               microseconds most, const char* range) const {
        if (!value || (*value >= least && *value <= most)) return;
        about(std::string(what) + " of " + std::to_string(value->count()) + " us is not between " +
              range);
    }

private:
    const std::string& function_;
};

template <class T>
void take_over(std::optional<T>& to, const std::optional<T>& from) {
    if (from) to = from;
}

}  // namespace

function_entry& function_entry::scale(const scaling& wishes) {
    auto whole = scaling_;
    take_over(whole.min, wishes.min);
    take_over(whole.max, wishes.max);
    take_over(whole.target_wait, wishes.target_wait);
    take_over(whole.idle, wishes.idle);
    take_over(whole.priority, wishes.priority);
    take_over(whole.weight, wishes.weight);

    const complaints wrong(name_);
    wrong.check("min", whole.min, 0, scaling::activations_max);
    wrong.check("max", whole.max, 1, scaling::activations_max);
    wrong.check("weight", whole.weight, 1, scaling::weight_max);
    wrong.check("target_wait", whole.target_wait, scaling::target_wait_min,
                scaling::target_wait_max, "1 us and 1 h");
    wrong.check("idle", whole.idle, microseconds(0), scaling::idle_max, "0 and 24 h");
    if (whole.priority && (*whole.priority < priority::low || *whole.priority > priority::high))
        wrong.about("its priority is none of low, normal and high");
    if (whole.min.value_or(0) > whole.max.value_or(scaling::activations_max))
        wrong.about("min " + std::to_string(*whole.min) + " is above max " +
                    std::to_string(*whole.max));
    scaling_ = whole;
    return *this;
}

}  // namespace dunlin
