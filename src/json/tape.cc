#include "json/tape.h"

#include <algorithm>

#include "json/block_reader.h"
#include "json/entry.h"
#include "json/name.h"

namespace safechunk::json {

std::vector<TapeItem> read_tape(std::string_view text) {
  NoOutput no_output;
  BlockReader<NoOutput> reader(text, no_output);
  TokenCursor<NoOutput> tokens(text, reader);
  std::vector<TapeItem> tape;
  std::vector<std::size_t> open;
  const char* const end = text.data() + text.size();
  for (const char *token = tokens.next(), *following; token != end; token = following) {
    following = tokens.next();
    if (*token == ',' || *token == ':') continue;
    if (*token == '}' || *token == ']') {
      if (open.empty()) break;
      TapeItem& container = tape[open.back()];
      container.text = {container.text.data(),
                        static_cast<std::size_t>(token + 1 - container.text.data())};
      container.end = tape.size();
      open.pop_back();
      continue;
    }
    if (*token == '{' || *token == '[') open.push_back(tape.size());
    tape.push_back(
        {trimmed({token, static_cast<std::size_t>(following - token)}), tape.size() + 1});
  }
  return tape;
}

std::vector<TapeMember> sorted_members(const std::vector<TapeItem>& tape, std::size_t object,
                                       std::deque<std::string>& names) {
  std::vector<TapeMember> members;
  for (std::size_t item = object + 1; item < tape[object].end; item = tape[item + 1].end) {
    std::string_view name = inside_of_string(tape[item].text);
    if (name.find('\\') != std::string_view::npos) name = names.emplace_back(unescaped(name));
    members.push_back({name, item + 1});
  }
  std::ranges::sort(members, {}, &TapeMember::name);
  return members;
}

const TapeMember* find_repeated(const std::vector<TapeMember>& sorted) noexcept {
  const auto found = std::ranges::adjacent_find(sorted, {}, &TapeMember::name);
  return found == sorted.end() ? nullptr : &*found;
}

}  // namespace safechunk::json
