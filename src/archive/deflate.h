// Raw deflate (RFC 1951) and the CRC of zip, by libdeflate, whole buffers only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include <safechunk/status.hpp>

struct libdeflate_compressor;

namespace safechunk::archive {

// The levels of libdeflate; 0 only stores.
inline constexpr int kMinDeflateLevel = 0;
inline constexpr int kMaxDeflateLevel = 12;

// The CRC-32 of zip (APPNOTE.TXT 4.4.7) of `bytes`. Cost: O(bytes), above 5 GB/s.
[[nodiscard]] std::uint32_t crc32_of(std::string_view bytes) noexcept;

// One compressed entry, with what its zip headers say of it.
struct DeflatedData {
  std::unique_ptr<char[]> bytes;
  std::size_t size = 0;
  std::uint64_t plain_size = 0;
  std::uint32_t crc32 = 0;  // of the plain bytes
};

// A compressor that is used again and again by one thread at a time.
class Deflater {
 public:
  explicit Deflater(int level) noexcept;

  // io_error when there is no memory. Keeps a buffer for the worst case between calls, of which
  // only the bytes that a result once had are ever touched.
  [[nodiscard]] Result<DeflatedData> compress(std::string_view plain);

 private:
  struct Free {
    void operator()(libdeflate_compressor* compressor) const noexcept;
  };
  std::unique_ptr<libdeflate_compressor, Free> compressor_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
};

// Inflates `deflated` into all of `plain`. corrupt when `deflated` is not one deflate stream that
// ends at its last byte and fills `plain` exactly; `plain` then holds rubbish. Never writes past
// `plain`, whatever the bytes. Several threads may call at once.
[[nodiscard]] Status inflate_exactly(std::string_view deflated, std::span<char> plain);

}  // namespace safechunk::archive
