// SPDX-License-Identifier: Apache-2.0
//
// The memory that a frame is written into: a function's payload is encoded straight into the frame
// that leaves the process.
#pragma once

#include "support/block_buffer.hpp"

namespace dunlin::wire {

using frame_buffer = support::block_buffer<0, 1024>;

}  // namespace dunlin::wire
