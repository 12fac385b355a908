// A new value for a text that somebody has laid out.
#pragma once

#include <string>
#include <string_view>

#include <safechunk/status.hpp>

#include "json/edit.h"

namespace safechunk::json {

// `text` with the value `value` in the place of its own, and with no other byte changed than that
// takes: members keep their order, what is equal keeps its layout, and how its strings are written,
// and what is new is laid out like its neighbours. New members come behind the others. Both were
// accepted by validate(), lenient or not. The result has the value `value`, but that its members
// may have another order; number text is that of `value`.
//
// An object with a name twice, and a container of which more than some thousand entries change, is
// laid out as a whole, in the order of `value`.
//
// Not recursive. Errors: too_deep, too_large.
// Cost: O(bytes), a few times that of reading. Memory: several times the texts.
[[nodiscard]] Result<std::string> rewrite(std::string_view text, std::string_view value,
                                          const EditOptions& options);

}  // namespace safechunk::json
