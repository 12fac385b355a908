// The C header says the same as the C++ headers: the test reads the texts of both, so that a
// constant that is missing on one side is found, too.

#include <gtest/gtest.h>

#include <cctype>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <string>

#include <safechunk/safechunk.hpp>

namespace safechunk {
namespace {

using Constants = std::map<int, std::string>;

std::string read_header(const std::string& name) {
  std::ifstream file(SAFECHUNK_HEADERS "/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The constants that `pattern` finds; its groups are the name and the number.
Constants constants_in(const std::string& header, const std::string& pattern) {
  const std::string text = read_header(header);
  const std::regex regex(pattern);
  Constants found;
  for (std::sregex_iterator at(text.begin(), text.end(), regex), end; at != end; ++at) {
    std::string name = (*at)[1];
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    EXPECT_TRUE(found.emplace(std::stoi((*at)[2]), name).second) << name;
  }
  return found;
}

// What to_string() says of the numbers from 0 on.
template <typename Enum>
Constants names_of() {
  Constants names;
  for (int number = 0;; ++number) {
    const std::string_view name = to_string(static_cast<Enum>(number));
    if (name == "unknown") return names;
    names.emplace(number, name);
  }
}

TEST(CHeader, HasTheErrorCodes) {
  const Constants names = names_of<ErrorCode>();
  EXPECT_EQ(names.size(), kErrorCodes.size());
  EXPECT_EQ(constants_in("status.hpp", "\n  (\\w+) = (\\d+),"), names);
  EXPECT_EQ(
      constants_in("safechunk.h", "\n  SAFECHUNK_(?!EVENT_|FILE_|DURABILITY_)(\\w+) = (\\d+)"),
      names);
}

TEST(CHeader, HasTheKindsOfEvents) {
  EXPECT_EQ(constants_in("safechunk.h", "\n  SAFECHUNK_EVENT_(\\w+) = (\\d+)"),
            names_of<Event::Kind>());
}

TEST(CHeader, HasTheStatesOfFiles) {
  EXPECT_EQ(constants_in("safechunk.h", "\n  SAFECHUNK_FILE_(\\w+) = (\\d+)"),
            names_of<FileVerdict::State>());
}

}  // namespace
}  // namespace safechunk
