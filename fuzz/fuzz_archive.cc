// Any bytes as an archive: refused, or every entry reads as its checksum says.

#include <cstring>

#include "archive/deflate.h"
#include "archive/zip_reader.h"
#include "fuzz_support.h"

using namespace safechunk;

namespace {

class Memory final : public archive::ByteSource {
 public:
  explicit Memory(std::string_view bytes) : bytes_(bytes) {}
  [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }
  Status read_at(std::uint64_t offset, std::span<char> buffer) override {
    require(offset <= bytes_.size() && buffer.size() <= bytes_.size() - offset);
    if (!buffer.empty()) std::memcpy(buffer.data(), bytes_.data() + offset, buffer.size());
    return {};
  }

 private:
  std::string_view bytes_;
};

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Memory source(as_text(data, size));
  archive::ReadLimits limits;
  limits.max_entry_bytes = 1 << 20;
  limits.max_total_bytes = 4 << 20;
  auto reader = archive::ZipReader::open(source, limits);
  if (!reader) return 0;
  for (std::size_t i = 0; i < reader->entries().size(); ++i) {
    const auto content = reader->read(i);
    if (!content) continue;
    require(content->size() == reader->entries()[i].size);
    require(archive::crc32_of(*content) == reader->entries()[i].crc32);
  }
  return 0;
}
