// Whatever is accepted can be laid out and compacted back to the same text.

#include <safechunk/engine.hpp>

#include "fuzz_support.h"
#include "json/format.h"
#include "json/member.h"
#include "json/scan.h"

using namespace safechunk;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text(data, size);
  for (const bool lenient : {false, true}) {
    const json::ScanOptions options{.depth_limit = 100, .lenient = lenient};
    const bool valid = json::validate(text, options).ok();
    std::string compact;
    require(json::compact(text, options, compact).ok() == valid);
    require(valid || compact.empty());
    if (!valid) continue;
    for (const unsigned indent : {0U, 1U, 4U}) {
      const std::string formatted = json::format(compact, indent);
      require(json::format(text, indent) == formatted);
      std::string again;
      require(json::compact(formatted, options, again).ok() && again == compact);
    }
    require(json::validate(json::without_non_finite(text), {.depth_limit = 100}).ok());
    (void)json::string_member(text, "notes");
  }
  return 0;
}
