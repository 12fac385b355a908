// Which projects this process owns, and where in the program they were opened: for messages.
#pragma once

#include <cstdint>
#include <string>

#include <safechunk/options.hpp>

namespace safechunk {

// Any thread may call these. A project is named by its absolute path. `pid`: of this process: a
// forked child begins with nothing, and never meets a mutex that was locked when it was forked.
void note_opened(std::int64_t pid, const void* engine, const std::string& project,
                 const CallSite& where, const std::string& since);
void note_closed(std::int64_t pid, const void* engine) noexcept;
// "this process has it open already, since ..., from FILE:LINE"; empty when it has not.
std::string describe_open(std::int64_t pid, const std::string& project);

}  // namespace safechunk
