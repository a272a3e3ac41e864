// SPDX-License-Identifier: Apache-2.0
#include "runtime/rehearsal/plot.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <functional>
#include <string_view>

namespace dunlin::runtime::rehearsal {
namespace {

constexpr double width = 960;
constexpr double left = 70;
constexpr double right = width - 20;
constexpr double panel_height = 130;
constexpr double panel_gap = 44;
constexpr double title_height = 30;
constexpr double function_height = title_height + 3 * (panel_height + panel_gap);
constexpr std::array<const char*, 6> colours{"#1f77b4", "#d62728", "#2ca02c",
                                             "#9467bd", "#ff7f0e", "#8c564b"};
constexpr double wait_us_min = 10;

template <class... Values>
std::string text(const char* format, Values... values) {
    std::array<char, 256> line{};
    std::snprintf(line.data(), line.size(), format, values...);
    return line.data();
}

std::string escaped(std::string_view raw) {
    std::string safe;
    for (const char c : raw) {
        if (c == '<') {
            safe += "&lt;";
        } else if (c == '&') {
            safe += "&amp;";
        } else {
            safe += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
        }
    }
    return safe;
}

// 1, 2 or 5 times a power of ten: some four of them make `most`.
double round_step(double most) {
    const double raw = most / 4;
    const double power = std::pow(10, std::floor(std::log10(raw)));
    const double part = raw / power;
    return power * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
}

enum class scale { linear, logarithmic };

// One panel: axes, and lines of values by slot.
class panel {
public:
    panel(double top, double most, scale by, const timeline& of)
        : top_(top),
          most_(most),
          by_(by),
          slots_(of.slots().size()),
          slot_ns_(of.slot_ns()) {}

    [[nodiscard]] std::string frame(const std::string& title) const {
        std::string svg =
            text("<text x=\"%.0f\" y=\"%.1f\">", left, top_ - 6) + title + "</text>\n";
        if (by_ == scale::linear) {
            const double step = round_step(most_);
            for (double each = 0; each <= most_ * 1.001; each += step)
                svg += line_at(each, text("%g", each));
        } else {
            for (double each = wait_us_min; each <= most_ * 1.001; each *= 10)
                svg += line_at(each, each < 1e3   ? text("%g us", each)
                                     : each < 1e6 ? text("%g ms", each / 1e3)
                                                  : text("%g s", each / 1e6));
        }
        return svg + times();
    }
    [[nodiscard]] std::string line(const char* colour,
                                   const std::function<double(std::size_t)>& value) const {
        std::string points;
        for (std::size_t i = 0; i < slots_; ++i) {
            const auto height = text("%.1f", y(value(i)));
            const bool level = i > 0 && i + 1 < slots_ && height == text("%.1f", y(value(i - 1))) &&
                               height == text("%.1f", y(value(i + 1)));
            if (!level) points += text("%s%.1f,", points.empty() ? "" : " ", x(i)) + height;
        }
        return text("<polyline fill=\"none\" stroke=\"%s\" points=\"", colour) + points + "\"/>\n";
    }

private:
    [[nodiscard]] double x(std::size_t slot) const {
        return left +
               (right - left) * (static_cast<double>(slot) + 0.5) / static_cast<double>(slots_);
    }
    [[nodiscard]] double y(double value) const {
        const double part = by_ == scale::linear
                                ? value / most_
                                : std::log10(std::max(value, wait_us_min) / wait_us_min) /
                                      std::log10(most_ / wait_us_min);
        return top_ + panel_height * (1 - std::clamp(part, 0.0, 1.0));
    }
    [[nodiscard]] std::string line_at(double value, const std::string& label) const {
        return text("<path d=\"M%.0f %.1fH%.0f\" stroke=\"#ddd\"/>", left, y(value), right) +
               text("<text x=\"%.0f\" y=\"%.1f\" text-anchor=\"end\">", left - 6, y(value) + 4) +
               label + "</text>\n";
    }
    [[nodiscard]] std::string times() const {
        const double seconds = static_cast<double>(slot_ns_) * static_cast<double>(slots_) / 1e9;
        const double unit = seconds > 2 * 3600 ? 3600 : seconds > 120 ? 60 : 1;
        const char* name = unit == 3600 ? "h" : unit == 60 ? "min" : "s";
        std::string svg;
        const double step = round_step(seconds / unit);
        for (double each = 0; each <= seconds / unit * 1.001; each += step)
            svg += text("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%g %s</text>\n",
                        left + (right - left) * each * unit / seconds, top_ + panel_height + 16,
                        each, name);
        return svg;
    }

    double top_;
    double most_;
    scale by_;
    std::size_t slots_;
    std::int64_t slot_ns_;
};

// How the values of slots are made of what was recorded.
double calls_per_second(const timeline& of, std::size_t slot) {
    return static_cast<double>(of.slots()[slot].calls) / (static_cast<double>(of.slot_ns()) / 1e9);
}
double actors(const timeline& of, std::size_t slot) {
    return of.slots()[slot].actor_ns / static_cast<double>(of.slot_ns());
}
double busy(const timeline& of, std::size_t slot) {
    return of.slots()[slot].busy_ns / static_cast<double>(of.slot_ns());
}
double wait_us(const timeline& of, std::size_t slot) {
    return static_cast<double>(of.slots()[slot].wait_max_ns) / 1e3;
}

double most(std::span<const outcome> outcomes, std::size_t function,
            double (*value)(const timeline&, std::size_t), double least) {
    double found = least;
    for (const auto& each : outcomes)
        for (std::size_t i = 0; i < each.timelines[function].slots().size(); ++i)
            found = std::max(found, value(each.timelines[function], i));
    return found;
}

std::string of_function(std::span<const outcome> outcomes, std::size_t function,
                        const std::string& title, double top) {
    const auto& first = outcomes.front().timelines[function];
    std::string svg =
        text("<text x=\"%.0f\" y=\"%.1f\" font-size=\"14\">", left, top + 4) + escaped(title);
    for (std::size_t i = 0; i < outcomes.size(); ++i)
        svg += text("<tspan dx=\"24\" fill=\"%s\">", colours[i % colours.size()]) +
               escaped(outcomes[i].policy) + "</tspan>";
    svg += "</text>\n";

    double at = top + title_height;
    const panel load(at, most(outcomes, function, calls_per_second, 0.01), scale::linear, first);
    svg += load.frame("calls a second");
    svg += load.line("#444", [&](std::size_t i) { return calls_per_second(first, i); });

    at += panel_height + panel_gap;
    const panel existing(at, most(outcomes, function, actors, 0.1), scale::linear, first);
    svg += existing.frame("actors; grey: busy, under the first policy");
    svg += existing.line("#aaa", [&](std::size_t i) { return busy(first, i); });

    at += panel_height + panel_gap;
    const double slowest = most(outcomes, function, wait_us, 1'000);
    const panel waits(at, std::pow(10, std::ceil(std::log10(slowest))), scale::logarithmic, first);
    svg += waits.frame("longest wait");
    for (std::size_t i = outcomes.size(); i-- > 0;) {  // the first one on top
        const auto& of = outcomes[i].timelines[function];
        const auto* colour = colours[i % colours.size()];
        svg += existing.line(colour, [&](std::size_t slot) { return actors(of, slot); });
        svg += waits.line(colour, [&](std::size_t slot) { return wait_us(of, slot); });
    }
    return svg;
}

}  // namespace

std::string plot(std::span<const outcome> outcomes, std::span<const std::string> titles) {
    const double height = 20 + function_height * static_cast<double>(titles.size());
    std::string svg =
        text(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" "
            "width=\"%.0f\" height=\"%.0f\" font-family=\"sans-serif\" font-size=\"12\">\n",
            width, height, width, height) +
        text("<rect width=\"%.0f\" height=\"%.0f\" fill=\"white\"/>\n", width, height);
    if (!outcomes.empty())
        for (std::size_t i = 0; i < titles.size(); ++i)
            svg +=
                of_function(outcomes, i, titles[i], 20 + function_height * static_cast<double>(i));
    return svg + "</svg>\n";
}

}  // namespace dunlin::runtime::rehearsal
