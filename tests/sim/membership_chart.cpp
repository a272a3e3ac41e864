// SPDX-License-Identifier: Apache-2.0
//
// One picture: nodes along a logarithmic axis, protocol periods upwards. Logarithmic growth is a
// straight line there.
#include "tests/sim/membership_measure.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace dunlin::sim {
namespace {

constexpr double left = 60, right = 610, top = 50, bottom = 300;

std::string text(const char* format, auto... values) {
    char line[512];
    std::snprintf(line, sizeof line, format, values...);
    return line;
}

}  // namespace

std::string death_chart(const std::vector<death_figures>& rows, double loss) {
    double periods_max = 10;
    double decades_max = 1;
    for (const auto& row : rows) {
        periods_max = std::max(periods_max, row.periods(row.max_ns()));
        decades_max = std::max(decades_max, std::log10(row.nodes));
    }
    const double step = periods_max > 60 ? 20 : periods_max > 25 ? 10 : 5;
    periods_max = std::ceil(periods_max / step) * step;
    const auto x = [&](double nodes) {
        return left + (right - left) * std::log10(nodes) / decades_max;
    };
    const auto y = [&](double periods) { return bottom - (bottom - top) * periods / periods_max; };

    std::string svg =
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 360\" width=\"640\" "
        "height=\"360\" font-family=\"sans-serif\" font-size=\"12\">\n"
        "<rect width=\"640\" height=\"360\" fill=\"white\"/>\n";
    svg += text(
        "<text x=\"%.0f\" y=\"24\" font-size=\"14\">From a silent death until every node "
        "knows, %.0f%% loss</text>\n",
        left, loss * 100);
    for (double each = 0; each <= periods_max; each += step) {
        svg += text(
            "<path d=\"M%.0f %.1fH%.0f\" stroke=\"#ddd\"/>"
            "<text x=\"%.0f\" y=\"%.1f\" text-anchor=\"end\">%.0f</text>\n",
            left, y(each), right, left - 6, y(each) + 4, each);
    }
    for (double nodes = 1; nodes <= std::pow(10, decades_max) * 1.01; nodes *= 10) {
        svg += text("<text x=\"%.1f\" y=\"%.0f\" text-anchor=\"middle\">%.0f</text>\n", x(nodes),
                    bottom + 18, nodes);
    }
    svg += text(
        "<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"middle\">nodes</text>\n"
        "<text x=\"%.0f\" y=\"44\">protocol periods</text>\n",
        (left + right) / 2, bottom + 40, left);

    std::string median, worst, logarithm;
    for (const auto& row : rows) {
        const char* join = median.empty() ? "" : " ";
        median += text("%s%.1f,%.1f", join, x(row.nodes), y(row.periods(row.median_ns())));
        worst += text("%s%.1f,%.1f", join, x(row.nodes), y(row.periods(row.max_ns())));
        logarithm += text("%s%.1f,%.1f", join, x(row.nodes), y(std::log2(row.nodes)));
    }
    const auto line = [&](const std::string& points, const char* colour, const char* dashes,
                          const char* name, double at) {
        svg += "<polyline fill=\"none\" stroke-width=\"2\" stroke=\"" + std::string(colour) +
               "\" stroke-dasharray=\"" + dashes + "\" points=\"" + points + "\"/>\n";
        svg += text(
            "<path d=\"M%.0f 345h24\" stroke=\"%s\" stroke-width=\"2\" "
            "stroke-dasharray=\"%s\"/><text x=\"%.0f\" y=\"349\">%s</text>\n",
            at, colour, dashes, at + 30, name);
    };
    line(median, "#1f77b4", "none", "median", left + 60);
    line(worst, "#d62728", "none", "slowest", left + 200);
    line(logarithm, "#777", "4 4", "log2 of the nodes", left + 340);
    return svg + "</svg>\n";
}

}  // namespace dunlin::sim
