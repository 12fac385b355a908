#include "archive/deflate.h"

#include <libdeflate.h>

#include <cstring>

namespace safechunk::archive {

std::uint32_t crc32_of(std::string_view bytes) noexcept {
  return libdeflate_crc32(0, bytes.data(), bytes.size());
}

void Deflater::Free::operator()(libdeflate_compressor* compressor) const noexcept {
  libdeflate_free_compressor(compressor);
}

Deflater::Deflater(int level) noexcept : compressor_(libdeflate_alloc_compressor(level)) {}

Result<DeflatedData> Deflater::compress(std::string_view plain) {
  if (!compressor_) return Status(ErrorCode::io_error, "not enough memory to compress");
  const std::size_t bound = libdeflate_deflate_compress_bound(compressor_.get(), plain.size());
  if (bound > capacity_) {
    buffer_ = std::make_unique_for_overwrite<char[]>(bound);
    capacity_ = bound;
  }
  DeflatedData data;
  data.size = libdeflate_deflate_compress(compressor_.get(), plain.data(), plain.size(),
                                          buffer_.get(), capacity_);
  if (data.size == 0) return Status(ErrorCode::io_error, "libdeflate could not compress");
  data.bytes = std::make_unique_for_overwrite<char[]>(data.size);
  std::memcpy(data.bytes.get(), buffer_.get(), data.size);
  data.plain_size = plain.size();
  data.crc32 = crc32_of(plain);
  return data;
}

Status inflate_exactly(std::string_view deflated, std::span<char> plain) {
  struct Free {
    void operator()(libdeflate_decompressor* d) const noexcept { libdeflate_free_decompressor(d); }
  };
  const std::unique_ptr<libdeflate_decompressor, Free> inflater(libdeflate_alloc_decompressor());
  if (!inflater) return Status(ErrorCode::io_error, "not enough memory to decompress");
  std::size_t consumed = 0;
  std::size_t produced = 0;
  switch (libdeflate_deflate_decompress_ex(inflater.get(), deflated.data(), deflated.size(),
                                           plain.data(), plain.size(), &consumed, &produced)) {
    case LIBDEFLATE_SUCCESS:
      break;
    case LIBDEFLATE_INSUFFICIENT_SPACE:
      return Status(ErrorCode::corrupt, "its data are longer than its header says");
    default:
      return Status(ErrorCode::corrupt, "its compressed data are damaged");
  }
  if (produced != plain.size()) {
    return Status(ErrorCode::corrupt, "its data are shorter than its header says");
  }
  if (consumed != deflated.size()) {
    return Status(ErrorCode::corrupt, "its compressed data end before their end");
  }
  return Status();
}

}  // namespace safechunk::archive
