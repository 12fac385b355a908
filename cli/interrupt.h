// Signals that ask a command to end, and the progress of long operations, which looks for them.
#pragma once

#include <string>
#include <string_view>

#include <safechunk/reports.hpp>

namespace safechunk::cli {

// From here on SIGINT, SIGTERM and SIGHUP only set a flag, so that a command which changes
// something can end where nothing is half done. The second signal of a kind ends the process at
// once, as everywhere; the journal then has what was staged. A closed pipe is an error of writing
// and no signal any more.
void defer_signals();

// The number of the signal that came, or 0.
int caught_signal();
bool was_interrupted();
// "SIGINT" and so on.
std::string_view name_of_signal(int number);

// Draws progress on stderr after the first second, if that is a terminal, and cancels the operation
// after a signal.
ProgressHandler progress_bar(const std::string& what);

}  // namespace safechunk::cli
