// Text as callers hand it over: with a byte-order mark, or in another encoding than UTF-8.
#pragma once

#include <string_view>

#include <safechunk/status.hpp>

#include "store/edits.h"

namespace safechunk {

// As Edits::put(). A byte-order mark of UTF-8, which Notepad and PowerShell write, is dropped. When
// the text is not JSON because of its encoding, the message names the encoding, and the position is
// that of the first byte that is not UTF-8.
Status put_text(Edits& edits, std::string_view text, std::string_view chunk);

}  // namespace safechunk
