// Text in another encoding than UTF-8, as editors and shells write it.
#pragma once

#include <string_view>

#include <safechunk/status.hpp>

namespace safechunk::json {

// `status` is what validate() or compact() said of `text`. When the encoding of the text is the
// reason, the message of the result names the encoding, and the position is that of the first byte
// that is not UTF-8. Any other status is returned as it is.
[[nodiscard]] Status name_encoding(const Status& status, std::string_view text);

}  // namespace safechunk::json
