// Names that are refused, and names that are one but for case (G12).

#include "base/chunk_name.h"
#include "base/unicode.h"

#include <gtest/gtest.h>

#include <array>
#include <clocale>
#include <cwctype>
#include <map>
#include <string>
#include <utility>

#include "base/case_folding.h"

namespace safechunk {
namespace {

using namespace std::string_literals;

TEST(ChunkName, AllowsWhatEveryFileSystemStores) {
  for (const std::string& name :
       {"users"s, "a"s, "user data"s, "v1.2"s, ".hidden"s, "-dash"s, "naïve"s, "名前"s, "🙂"s,
        "con-text"s, "common"s, "com10"s, std::string(200, 'x')}) {
    EXPECT_TRUE(check_name(name, "chunk name").ok()) << name;
  }
}

TEST(ChunkName, RefusesEverythingElse) {
  for (const std::string& name : {""s,
                                  "."s,
                                  ".."s,
                                  "a/b"s,
                                  "/etc/passwd"s,
                                  "../x"s,
                                  "a\\b"s,
                                  "C:x"s,
                                  "a\0b"s,
                                  "a\nb"s,
                                  "a\x7F"s,
                                  "tab\t"s,
                                  std::string(201, 'x'),
                                  "\xFF"s,
                                  "\xC0\xAF"s,
                                  "\xED\xA0\x80"s,
                                  "trailing."s,
                                  "trailing "s,
                                  "CON"s,
                                  "nul"s,
                                  "Aux.json"s,
                                  "com1"s,
                                  "LPT9.txt"s,
                                  "COM¹"s,
                                  "con .txt"s,
                                  "CONIN$"s,
                                  ".#lock of Emacs"s,
                                  "._fork of macOS"s,
                                  "what?"s,
                                  "a*b"s,
                                  "a|b"s,
                                  "<a>"s,
                                  "\"q\""s}) {
    const Status status = check_name(name, "chunk name");
    EXPECT_EQ(status.code(), ErrorCode::invalid_name) << name;
    EXPECT_NE(status.error().message.find("chunk name"), std::string::npos);
  }
}

// Kills: two files where macOS, or a sync tool, sees one.
TEST(ChunkName, OneNameInSeveralSpellingsHasOneForm) {
  const std::string composed = "caf\u00e9";
  EXPECT_EQ(same_name_form("cafe\u0301"), same_name_form(composed));
  EXPECT_EQ(same_name_form("CAFE\u0301"), same_name_form(composed));
  EXPECT_EQ(same_name_form("\u212b"), same_name_form("\u00e5")) << "the angstrom sign is a letter";
  EXPECT_EQ(same_name_form("\u1112\u1161\u11ab"), same_name_form("\ud55c")) << "Hangul";
  // The capital letter has no form with its accent, and the small one has.
  EXPECT_EQ(same_name_form("J\u030c"), same_name_form("\u01f0"));
  // Two accents in either order.
  EXPECT_EQ(same_name_form("a\u0323\u0307"), same_name_form("a\u0307\u0323"));
  EXPECT_EQ(same_name_form("Users"), "users");
  EXPECT_NE(same_name_form("cafe"), same_name_form(composed));
  EXPECT_NE(same_name_form("\ufb01"), same_name_form("fi")) << "compatible is not equal";
  EXPECT_EQ(same_name_form("\xff"
                           "A"),
            "\xff"
            "a")
      << "not UTF-8";
}

TEST(ChunkName, FoldsCase) {
  EXPECT_EQ(fold_case("Users"), fold_case("uSERS"));
  EXPECT_EQ(fold_case("ÄÖÜ"), fold_case("äöü"));
  EXPECT_EQ(fold_case("ŻÓŁĆ"), fold_case("żółć"));
  EXPECT_EQ(fold_case("ΑΒΓΣΆ"), fold_case("αβγσά"));
  EXPECT_EQ(fold_case("ПРИВЕТ Ё"), fold_case("привет ё"));
  EXPECT_NE(fold_case("a"), fold_case("b"));
  EXPECT_NE(fold_case("ā"), fold_case("ą"));
  EXPECT_NE(fold_case("×"), fold_case("÷"));
  EXPECT_EQ(fold_case("名前"), "名前");
}

// Kills: two chunks that are one file where the file system ignores case (NTFS, exFAT): of two that
// were accepted, one was saved over the other.
TEST(ChunkName, FoldsCaseInEveryScript) {
  for (const auto& [capital, small] :
       {std::pair("TIẾNG VIỆT ƠƯ", "tiếng việt ơư"), std::pair("ȘȚ", "șț"), std::pair("Ɓ", "ɓ"),
        std::pair("Ǆ", "ǆ"), std::pair("ԱՖ", "աֆ"), std::pair("ᲐᲿ", "აჿ"), std::pair("Ӏ", "ӏ"),
        std::pair("ѠѢ", "ѡѣ"), std::pair("ἈἏ", "ἀἇ"), std::pair("Ⅷ", "ⅷ"), std::pair("Ⓐ", "ⓐ"),
        std::pair("Ⰰ", "ⰰ"), std::pair("ＡＺ", "ａｚ"), std::pair("Ꭰ", "ꭰ"), std::pair("𐐀", "𐐨"),
        std::pair("ς", "σ"), std::pair("ẞ", "ß")}) {
    EXPECT_EQ(fold_case(capital), fold_case(small)) << capital;
  }
}

// Against the C library's table, which follows Unicode, too. Kills: a wrong line of the table, and
// one that is missing in blocks to which nothing is added any more.
TEST(ChunkName, FoldsAsTheCLibraryDoes) {
  const locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  if (utf8 == nullptr) GTEST_SKIP() << "there is no locale C.UTF-8";
  const auto lower = [&](wint_t point) { return towlower_l(point, utf8); };
  const auto upper = [&](wint_t point) { return towupper_l(point, utf8); };
  std::map<wint_t, wint_t> folded;
  for (const FoldedRange& range : kFoldedRanges) {
    for (wint_t point = range.first; point <= range.last; point += range.stride) {
      folded[point] = static_cast<wint_t>(static_cast<std::int32_t>(point) + range.distance);
      EXPECT_EQ(lower(upper(point)), lower(upper(folded[point]))) << std::hex << point;
    }
  }
  constexpr wint_t kDottedI = 0x130;  // has no simple folding
  constexpr std::array<std::pair<wint_t, wint_t>, 4> kComplete = {
      {{0x80, 0x52F}, {0x1E00, 0x1FFF}, {0x24B6, 0x24E9}, {0xFF21, 0xFF5A}}};
  for (const auto& [first, last] : kComplete) {
    for (wint_t point = first; point <= last; ++point) {
      if (lower(point) == point || point == kDottedI) continue;
      const auto found = folded.find(point);
      ASSERT_NE(found, folded.end()) << std::hex << point;
      EXPECT_EQ(found->second, lower(point)) << std::hex << point;
    }
  }
  freelocale(utf8);
}

TEST(ChunkName, KnowsUtf8) {
  EXPECT_TRUE(is_utf8("\xF4\x8F\xBF\xBF"));   // U+10FFFF
  EXPECT_FALSE(is_utf8("\xF4\x90\x80\x80"));  // above
  EXPECT_FALSE(is_utf8("\xE0\x80\x80"));      // overlong
  EXPECT_FALSE(is_utf8("\xE2\x82"));          // cut off
  EXPECT_FALSE(is_utf8("\x80"));
}

}  // namespace
}  // namespace safechunk
