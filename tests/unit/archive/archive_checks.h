// Expectations that several tests of the archive share.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "archive/zip_reader.h"
#include "unit/archive/memory_stream.h"
#include "unit/archive/zip_builder.h"

namespace safechunk::archive {

// What opening `bytes` says; ok when it is accepted.
inline Status open_status(const std::string& bytes, const ReadLimits& limits = {}) {
  MemorySource source(bytes);
  return ZipReader::open(source, limits).status();
}

// Names and contents of an archive; fails the test when it is not accepted.
inline std::map<std::string, std::string> contents_of(const std::string& bytes) {
  MemorySource source(bytes);
  const Result<ZipReader> reader = ZipReader::open(source);
  std::map<std::string, std::string> contents;
  EXPECT_TRUE(reader.ok()) << reader.status().to_text();
  if (!reader.ok()) return contents;
  for (std::size_t i = 0; i < reader->entries().size(); ++i) {
    const Result<std::string> content = reader->read(i);
    EXPECT_TRUE(content.ok()) << content.status().to_text();
    if (content.ok()) contents[reader->entries()[i].name] = *content;
  }
  return contents;
}

inline void expect_error(const Status& status, ErrorCode code, const std::string& message_part) {
  EXPECT_EQ(to_string(status.code()), to_string(code)) << status.to_text();
  EXPECT_NE(status.error().message.find(message_part), std::string::npos) << status.to_text();
}

inline void expect_refused(const std::string& bytes, ErrorCode code,
                           const std::string& message_part) {
  expect_error(open_status(bytes), code, message_part);
}

}  // namespace safechunk::archive
