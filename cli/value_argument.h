// A value as an argument of a command: JSON text, or a string without quotes.
#pragma once

#include <memory>
#include <string>

#include "context.h"

namespace safechunk::cli {

struct ValueArgument {
  std::string value = "-";  // "-" is standard input
  bool is_string = false;
};

// Adds VALUE and --string, which are stored in `argument`.
void add_value(CLI::App& command, const std::shared_ptr<ValueArgument>& argument);

// The value as JSON text, which is not checked. Errors: io_error.
Result<std::string> read_value(const ValueArgument& argument);

// An invalid_json about the value, with what was probably meant.
Status with_hint(const Status& status, const ValueArgument& argument);

}  // namespace safechunk::cli
