#include "json/scan.h"

#include <cstddef>

#include "json/block_reader.h"
#include "json/characters.h"
#include "json/compact_output.h"
#include "json/fault.h"
#include "json/grammar.h"
#include "json/utf8.h"

namespace safechunk::json {
namespace {

// The first of what three readers find: one looks into strings, one at the tokens, and the third
// at the encoding of what the other two have understood.
template <typename Output>
Fault first_fault(std::string_view text, const ScanOptions& options, Output& output) {
  BlockReader<Output> reader(text, output);
  Fault fault = check_grammar(text, reader, options.depth_limit, options.lenient);

  const Fault& in_string = reader.fault();
  if (in_string.exists() && (!fault.exists() || in_string.at <= fault.at)) fault = in_string;

  const char* const end = fault.exists() ? fault.at : text.data() + text.size();
  const std::string_view understood(text.data(), static_cast<std::size_t>(end - text.data()));
  const std::size_t well_formed = find_invalid_utf8(understood);
  if (well_formed < understood.size()) {
    fault = {text.data() + well_formed, "valid UTF-8", ErrorCode::invalid_json};
  }
  return fault;
}

// Takes back what was appended to a string, unless told its final size.
class Rollback {
 public:
  explicit Rollback(std::string& out) noexcept : out_(out), size_(out.size()) {}
  Rollback(const Rollback&) = delete;
  Rollback& operator=(const Rollback&) = delete;
  ~Rollback() { out_.resize(size_); }
  void settle(std::size_t size) noexcept { size_ = size; }

 private:
  std::string& out_;
  std::size_t size_;
};

}  // namespace

Status validate(std::string_view text, const ScanOptions& options) {
  const std::string_view scanned = options.lenient ? without_byte_order_mark(text) : text;
  NoOutput output;
  return status_of(first_fault(scanned, options, output), text, options.depth_limit);
}

Status compact(std::string_view text, const ScanOptions& options, std::string& out) {
  const std::string_view scanned = options.lenient ? without_byte_order_mark(text) : text;
  const std::size_t old_size = out.size();
  Rollback rollback(out);
  out.append(scanned);
  CompactOutput output(scanned, out.data() + old_size);
  const Fault fault = first_fault(scanned, options, output);
  if (!fault.exists()) rollback.settle(old_size + output.finish());
  return status_of(fault, text, options.depth_limit);
}

}  // namespace safechunk::json
