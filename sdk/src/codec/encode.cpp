// SPDX-License-Identifier: Apache-2.0
#include "support/block_cache.hpp"
#include "wire/frame_buffer.hpp"

#include <dunlin/codec.hpp>

#include <memory>

namespace dunlin::detail {

bytes encode_owned(encode_function encode, const void* value) {
    wire::frame_buffer buffer;
    encode(buffer, value);
    // A buffer that is mostly room is copied: the bytes may be kept for long.
    if (buffer.size < buffer.capacity / 2) return bytes(buffer.view());
    const bytes_view view = buffer.view();
    return bytes(std::shared_ptr<const void>(buffer.release(), &support::block_free), view);
}

error reply_error(error why) {
    why.code = errc::failed;
    why.detail.insert(0, "the reply does not fit the type that was asked for: ");
    return why;
}

}  // namespace dunlin::detail
