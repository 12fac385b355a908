// Runs other programs: editors, and filters that a text is piped through.
#pragma once

#include <signal.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <safechunk/safechunk.hpp>

namespace safechunk::cli {

// Starts the program COMMAND[0], which is looked for in PATH, in the process group of this process,
// so that Ctrl-C reaches both. `input` and `output` become its standard input and output; -1: those
// of this process. The signals in `defaults` get their default action. Errors: io_error.
Result<pid_t> start_program(const std::vector<std::string>& command, int input, int output,
                            const sigset_t& defaults);

// ok when the program ended with exit status 0. Else cancelled, and the message says how `subject`
// ended: "the command 'x'".
Status judge_end(const std::string& subject, int wait_status);

// Writes `input` to the command's standard input and returns all that it prints. What it leaves
// unread is no error. Call it after defer_signals(): a signal that comes meanwhile is passed on to
// the command, which is killed when it has not ended 2 seconds later.
// Errors: cancelled (the command failed, or a signal came), too_large (it prints more than `limit`
// bytes), io_error. In every case the command has ended when the function returns.
Result<std::string> run_filter(const std::vector<std::string>& command, std::string_view input,
                               std::uint64_t limit);

}  // namespace safechunk::cli
