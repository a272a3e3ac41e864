// SPDX-License-Identifier: Apache-2.0
//
// The memory a function writes its reply into.
//
// The room in front of the payload is for the reply's envelope: the lane writes it there and sends
// the memory as it is, so a large reply is not copied between the function and the socket.
#pragma once

#include "support/block_buffer.hpp"

namespace dunlin::actors {

using output_buffer = support::block_buffer<64, 448>;

}  // namespace dunlin::actors
