// UTF-8, and when two names count as one.
#pragma once

#include <string>
#include <string_view>

namespace safechunk {

// Two names that are equal but for case have the same folded form, in every script: one code point
// is folded to one.
std::string fold_case(std::string_view name);

// Two names have the same form when some file system, or a person, could take them for one: when
// they are equal after normalisation (Unicode's NFC: "e" and an accent are the letter "é") and
// case folding. A text that is not UTF-8 is not normalised.
std::string same_name_form(std::string_view name);

// True for well-formed UTF-8 (RFC 3629).
bool is_utf8(std::string_view text) noexcept;

}  // namespace safechunk
