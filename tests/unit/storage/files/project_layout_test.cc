#include "storage/files/project_layout.h"

#include <gtest/gtest.h>

namespace safechunk::layout {
namespace {

TEST(ProjectLayout, BuildsAndParsesChunkNames) {
  EXPECT_EQ(chunk_file("users"), "users.json");
  EXPECT_EQ(backup_file("users"), "users.bak");
  EXPECT_EQ(chunk_of_file("users.json"), "users");
  EXPECT_EQ(chunk_of_backup("users.bak"), "users");
  for (const char* file : {"users", ".json", "users.tmp", "..json", "con.json"}) {
    EXPECT_FALSE(chunk_of_file(file)) << file;
  }
}

// G15. Kills: taking a file for ours because of its ending, or because it has eight digits.
TEST(ProjectLayout, KnowsItsOwnTemporaryNames) {
  for (const char* name : {"users", "users.bak", ".journal", "a.b", "x.1234abcd"}) {
    EXPECT_TRUE(is_own_temporary(temporary_of(name))) << temporary_of(name);
  }
  EXPECT_EQ(temporary_of("users"), "users.6c5a4d3c.tmp");  // of the format: not to be changed
  for (const char* file : {"users.tmp", "users.json.tmp", "my thoughts.tmp", "users.6c5a4d3d.tmp",
                           ".tmp", "other.6c5a4d3c.tmp", "users.6C5A4D3C.tmp",
                           "users.6c5a4d3c.tmp.tmp", ".6c5a4d3c.tmp", "users.6c5a4d3c"}) {
    EXPECT_FALSE(is_own_temporary(file)) << file;
  }
  EXPECT_EQ(displaced_file("a"), "a.a0be7447.tmp");  // likewise
  EXPECT_TRUE(is_own_temporary(displaced_file("users")));
  EXPECT_EQ(chunk_of_displaced(displaced_file("users")), "users");
  EXPECT_FALSE(chunk_of_displaced(temporary_of("users")));
  EXPECT_TRUE(is_own_pin_folder(pin_folder(7)));
  for (const char* folder : {".pin-", ".pin-mine", ".pin-0000000000000007"}) {
    EXPECT_FALSE(is_own_pin_folder(folder)) << folder;
  }
}

// Kills: removing a file of somebody else, or of the edit of another file, as a left-over of an
// edit.
TEST(ProjectLayout, KnowsTheTemporaryNamesOfAnEdit) {
  EXPECT_EQ(side_folder("a.json"), ".a.json.safechunk");
  const std::string edited = edited_file("a.json", 7);
  const std::string replaced = replaced_file("a.json", 7);
  EXPECT_EQ(edited.find("a.json.0000000000000007."), 0U) << edited;
  EXPECT_EQ(edit_name_of(edited, "a.json"), EditName::edited);
  EXPECT_EQ(edit_name_of(replaced, "a.json"), EditName::replaced);
  for (const std::string& name :
       {edited_file("b.json", 7), edited_file("a.json.json", 7), temporary_of("a.json"),
        displaced_file("a.json"), temporary_of("a.json.x"), std::string("a.json"),
        std::string("a.json.0000000000000007.tmp"), edited + ".tmp"}) {
    EXPECT_EQ(edit_name_of(name, "a.json"), EditName::none) << name;
  }
}

TEST(ProjectLayout, ParsesCheckpointNames) {
  for (const CheckpointName& name : {CheckpointName{"manual", "20261122_170616", 1},
                                     CheckpointName{"a_b_20260101_000000", "20261122_170616", 1},
                                     CheckpointName{"x", "20261122_170616", 12}}) {
    const auto parsed = parse_checkpoint(checkpoint_file(name));
    ASSERT_TRUE(parsed) << checkpoint_file(name);
    EXPECT_EQ(parsed->label, name.label);
    EXPECT_EQ(parsed->time, name.time);
    EXPECT_EQ(parsed->number, name.number);
  }
  for (const char* file :
       {"other.zip", "checkpoint_.zip", "checkpoint__20261122_170616.zip",
        "checkpoint_a_20261122.zip", "checkpoint_a_20261122_17061x.zip",
        "checkpoint_a_20261122_170616_1.zip", "checkpoint_a_20261122_170616_x.zip",
        "checkpoint_a_20261122_170616_99999999.zip", "checkpoint_a_20261122_170616.zip.tmp",
        "checkpoint_../x_20261122_170616.zip"}) {
    EXPECT_FALSE(parse_checkpoint(file)) << file;
  }
}

TEST(ProjectLayout, FileNamesHaveWhatFitsOfALabel) {
  const std::pair<std::string, std::string> cases[] = {{"manual", "manual"},
                                                       {"", "unnamed"},
                                                       {"a/b\\c", "a_b_c"},
                                                       {"../x", ".._x"},
                                                       {"..", "_._"},
                                                       {".", "_"},
                                                       {"two\nlines", "two_lines"},
                                                       {"con", "_con"},
                                                       {"NUL.", "NUL_"},
                                                       {"._x", "_._x"},
                                                       {"caf\xC3\xA9?", "caf\xC3\xA9_"},
                                                       {"ends. ", "ends._"},
                                                       {"20260101_000000", "20260101_000000"}};
  for (const auto& [label, name] : cases) {
    EXPECT_EQ(label_in_name(label), name) << label;
  }
  std::string longest(199, 'x');
  EXPECT_EQ(label_in_name(longest + "\xC3\xA9"), longest) << "no half of a character";
  EXPECT_EQ(label_in_name(std::string(1000, 'x')).size(), 200U);
  for (int first = 1; first < 128; ++first) {
    for (int second = 1; second < 128; ++second) {
      const std::string label = {static_cast<char>(first), static_cast<char>(second)};
      const auto parsed =
          parse_checkpoint(checkpoint_file({label_in_name(label), "20261122_170616", 1}));
      ASSERT_TRUE(parsed) << first << " " << second;
      EXPECT_EQ(parsed->label, label_in_name(label));
    }
  }
}

TEST(ProjectLayout, SortsCheckpointsByTimeThenNumber) {
  const CheckpointName older{"z", "20261122_170616", 1};
  const CheckpointName second{"a", "20261122_170616", 10};
  const CheckpointName newer{"a", "20261122_170617", 1};
  EXPECT_TRUE(older < second);
  EXPECT_TRUE(second < newer);
  EXPECT_FALSE(newer < older);
}

}  // namespace
}  // namespace safechunk::layout
