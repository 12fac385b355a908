// An accepted name cannot leave its folder, and every name that is built can be parsed.

#include "base/chunk_name.h"
#include "base/unicode.h"
#include "fuzz_support.h"
#include "storage/files/project_layout.h"

using namespace safechunk;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view name = as_text(data, size);
  (void)layout::parse_checkpoint(name);
  (void)layout::chunk_of_file(name);
  if (!check_name(name, "name").ok()) return 0;
  require(name.find('/') == std::string_view::npos && name != "." && name != "..");
  require(is_utf8(name));
  require(fold_case(fold_case(name)) == fold_case(name));
  require(layout::chunk_of_file(layout::chunk_file(name)) == std::string(name));
  require(layout::chunk_of_backup(layout::backup_file(name)) == std::string(name));
  const auto parsed =
      layout::parse_checkpoint(layout::checkpoint_file({std::string(name), "20260101_000000", 2}));
  require(parsed && parsed->label == name);
  return 0;
}
