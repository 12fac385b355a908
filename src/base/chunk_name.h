// Which names are allowed for project ids, chunks and labels: those that every common file system
// stores as they are, and that can never reach outside their folder (G12).
#pragma once

#include <string>
#include <string_view>

#include <safechunk/status.hpp>

namespace safechunk {

// ok, or invalid_name with the reason. Refused: empty, "." and "..", more than limits::kNameBytes
// bytes, invalid UTF-8, control characters, any of  / \ : * ? " < > |  , a blank or dot at the end,
// the device names of Windows (CON, NUL, COM1 ..., with or without an extension), and names that
// begin with ".#" or "._": what Emacs and macOS put beside a file is no chunk.
// `what` names the thing in the message: "chunk name", "project id", "label".
Status check_name(std::string_view name, std::string_view what);

}  // namespace safechunk
