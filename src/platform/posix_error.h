// From errno to Status: the one place that maps operating-system errors to codes.
#pragma once

#include <string>

#include <safechunk/status.hpp>

namespace safechunk {

// "cannot <verb>", with the code that `os_errno` maps to.
Status status_from_errno(int os_errno, const char* verb, std::string path);

}  // namespace safechunk
