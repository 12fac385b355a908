#include "archive/zip_local_header.h"

#include <gtest/gtest.h>

#include <string>

#include "unit/archive/archive_checks.h"

namespace safechunk::archive {
namespace {

const std::string kContent = "{\"a\": [1, 2, 3, 1, 2, 3, 1, 2, 3]}\n";

// An archive whose second of three entries was changed.
std::string with_changed_entry(const std::function<void(RawEntry&)>& change) {
  RawEntry entry = deflated_entry("b.json", kContent);
  change(entry);
  return zip_of({stored_entry("a.json", "[]\n"), entry, stored_entry("c.json", "{}\n")});
}

void expect_disagreement(const std::function<void(RawHeader&)>& change) {
  const std::string why = "'b.json': its local header and the central directory disagree";
  expect_refused(with_changed_entry([&](RawEntry& entry) { change(entry.local); }),
                 ErrorCode::corrupt, why);
}

TEST(ZipLocalHeader, MustAgreeWithTheDirectory) {
  expect_disagreement([](RawHeader& local) { local.flags = kFlagUtf8; });
  expect_disagreement([](RawHeader& local) { local.flags = kFlagEncrypted; });
  expect_disagreement([](RawHeader& local) { local.flags = kFlagDescriptor; });
  expect_disagreement([](RawHeader& local) { local.method = kMethodStored; });
  expect_disagreement([](RawHeader& local) { ++local.crc32; });
  expect_disagreement([](RawHeader& local) { local.crc32 = 0; });
  expect_disagreement([](RawHeader& local) { ++local.size; });
  expect_disagreement([](RawHeader& local) { --local.compressed_size; });
  expect_disagreement([](RawHeader& local) { local.size = local.compressed_size = 0; });
}

TEST(ZipLocalHeader, MustHaveTheSameName) {
  const std::string why = "'b.json': its local header has another name";
  for (const std::string name : {"x.json", "b.jso", "b.json2", "", "../etc"}) {
    expect_refused(with_changed_entry([&](RawEntry& entry) {
                     entry.local.name = name;
                     entry.local.extra = "";
                     entry.data += "......";  // room, so that the name is what is wrong
                   }),
                   ErrorCode::corrupt, why);
  }
}

TEST(ZipLocalHeader, MustBeThere) {
  std::string bytes = with_changed_entry([](RawEntry&) {});
  const std::size_t second = bytes.find("PK\3\4", 1);
  bytes[second + 3] = 5;
  expect_refused(bytes, ErrorCode::corrupt, "'b.json': it has no local header");
}

TEST(ZipLocalHeader, MayHaveSizesInAZip64Field) {
  const std::string bytes = with_changed_entry([](RawEntry& entry) {
    RawHeader& local = entry.local;
    local.extra = le16(1) + le16(16) + le64(local.size) + le64(local.compressed_size);
    local.size = local.compressed_size = 0xFFFFFFFF;
  });
  EXPECT_EQ(contents_of(bytes).at("b.json"), kContent);
  expect_refused(with_changed_entry([](RawEntry& entry) { entry.local.size = 0xFFFFFFFF; }),
                 ErrorCode::corrupt, "Zip64 field of its local header is too short");
  expect_refused(with_changed_entry([](RawEntry& entry) { entry.local.extra = "abc"; }),
                 ErrorCode::corrupt, "extra fields of its local header are malformed");
}

// Entry b.json with a descriptor behind its data.
std::string with_descriptor(bool with_signature, bool wide,
                            const std::function<void(RawEntry&)>& change = {}) {
  return with_changed_entry([&](RawEntry& entry) {
    change_both(entry, [](RawHeader& header) { header.flags |= kFlagDescriptor; });
    entry.local.crc32 = entry.local.size = entry.local.compressed_size = 0;
    entry.after = descriptor(entry, with_signature, wide);
    if (change) change(entry);
  });
}

TEST(ZipLocalHeader, MayLeaveTheSizesToADescriptorInAnyForm) {
  for (const bool with_signature : {false, true}) {
    for (const bool wide : {false, true}) {
      EXPECT_EQ(contents_of(with_descriptor(with_signature, wide)).at("b.json"), kContent);
      // The facts may be in the local header all the same.
      const auto restate = [](RawEntry& entry) { entry.local = entry.central; };
      EXPECT_EQ(contents_of(with_descriptor(with_signature, wide, restate)).at("b.json"), kContent);
    }
  }
}

TEST(ZipLocalHeader, RefusesADescriptorThatDisagreesInAnyBit) {
  for (const bool with_signature : {false, true}) {
    for (const bool wide : {false, true}) {
      const std::size_t length = (with_signature ? 4U : 0U) + (wide ? 20U : 12U);
      for (std::size_t i = 0; i < length; ++i) {
        expect_refused(with_descriptor(with_signature, wide,
                                       [&](RawEntry& entry) {
                                         entry.after[i] = static_cast<char>(entry.after[i] ^ 0x10);
                                       }),
                       ErrorCode::corrupt, "'b.json': its data descriptor");
      }
    }
  }
}

TEST(ZipLocalHeader, RefusesADescriptorThatIsMissingOrCutOff) {
  for (std::size_t length = 0; length < 24; ++length) {
    if (length == 12 || length == 16 || length == 20) continue;  // other forms, with other content
    expect_refused(
        with_descriptor(true, true, [&](RawEntry& entry) { entry.after.resize(length); }),
        ErrorCode::corrupt, "'b.json': no data descriptor follows");
  }
}

TEST(ZipLocalHeader, RefusesAWrongValueBesideADescriptor) {
  expect_refused(with_descriptor(true, false, [](RawEntry& entry) { entry.local.size = 1; }),
                 ErrorCode::corrupt, "disagree");
  expect_refused(with_descriptor(true, false, [](RawEntry& entry) { entry.local.crc32 = 1; }),
                 ErrorCode::corrupt, "disagree");
}

TEST(ZipLocalHeader, RefusesBytesBehindTheData) {
  expect_refused(with_changed_entry([](RawEntry& entry) { entry.after = "x"; }), ErrorCode::corrupt,
                 "'b.json': unknown bytes follow its data");
  // A descriptor that no flag announces.
  expect_refused(
      with_changed_entry([](RawEntry& entry) { entry.after = descriptor(entry, true, false); }),
      ErrorCode::corrupt, "'b.json': unknown bytes follow its data");
}

}  // namespace
}  // namespace safechunk::archive
