// The version of the library.
#pragma once

#include <string_view>

#include <safechunk/export.hpp>

namespace safechunk {

// "major.minor.patch" of the library that was linked.
SAFECHUNK_EXPORT std::string_view version() noexcept;

}  // namespace safechunk
