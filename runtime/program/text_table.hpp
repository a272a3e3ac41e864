// SPDX-License-Identifier: Apache-2.0
//
// Cells in columns, for terminals.
//
// What a node says of itself or of others is shown, so nothing in it may do anything to a
// terminal: control characters become '?'. Pure; any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dunlin::program {

enum class align { left, right };

using table_row = std::vector<std::string>;

/// The text on one line, with '?' for every control character, mark that breaks or turns a line,
/// and byte that is not UTF-8.
[[nodiscard]] std::string printable(std::string_view text);

/// Columns that a terminal needs for UTF-8 text of letters as wide as Latin ones.
[[nodiscard]] std::size_t width_of(std::string_view text) noexcept;

/// The first `width` columns; text that is cut ends with "..." if there is room for that.
[[nodiscard]] std::string cut_to(std::string text, std::size_t width);

/// Two spaces between columns that are as wide as their widest cell; no space at a line's end.
/// Every row has as many cells as there are columns. Each line ends with a line break.
[[nodiscard]] std::string laid_out(const std::vector<table_row>& rows,
                                   std::span<const align> columns);

/// The same without the last columns, as many as it takes to fit into `width`. The first one stays.
[[nodiscard]] std::string laid_out_within(std::vector<table_row> rows,
                                          std::span<const align> columns, std::size_t width);

}  // namespace dunlin::program
