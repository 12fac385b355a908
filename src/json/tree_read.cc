// Runs of entries: counting, searching, and concatenating them.
#include <bit>
#include <cstdint>

#include "json/entry.h"
#include "json/name.h"
#include "json/structure.h"
#include "json/tree_parts.h"

namespace safechunk::json {
namespace {

// A run ends when it has reached one of these.
constexpr std::size_t kRunEntries = 1024;
constexpr std::ptrdiff_t kRunBytes = 32 * 1024;

const char* end_of(std::string_view text) noexcept {
  return text.data() + text.size();
}

// Cuts entries into runs.
class RunCutter {
 public:
  RunCutter(std::string_view entries, std::vector<Piece>& pieces) noexcept
      : begin_(entries.data()), end_(end_of(entries)), pieces_(pieces) {}

  void count(const char* block, std::uint64_t commas) {
    const char* const first_comma = block + std::countr_zero(commas);
    std::size_t ended = count_ones(commas);
    counted_ += ended;
    if (first_comma - begin_ >= kRunBytes) {
      cut_around(first_comma);
      --ended;
    }
    entries_ += ended;
    last_comma_ = block + (63 - std::countl_zero(commas));
    if (entries_ >= kRunEntries || last_comma_ - begin_ >= kRunBytes) cut();
  }

  // How many entries are complete.
  [[nodiscard]] std::size_t counted() const noexcept { return counted_; }

  // The rest is one entry.
  void finish() {
    if (entries_ > 0 && end_ - begin_ >= kRunBytes) cut();
    push({begin_, static_cast<std::size_t>(end_ - begin_)}, entries_ + 1);
  }

  // The rest is not counted.
  void stop() {
    if (entries_ > 0) cut();
    push({begin_, static_cast<std::size_t>(end_ - begin_)}, Piece::kUnread);
  }

 private:
  // Makes the large entry that ends at the comma a run of its own.
  void cut_around(const char* comma) {
    if (entries_ > 0) cut();
    push({begin_, static_cast<std::size_t>(comma - begin_)}, 1);
    begin_ = comma + 1;
  }
  void cut() {
    push({begin_, static_cast<std::size_t>(last_comma_ - begin_)}, entries_);
    begin_ = last_comma_ + 1;
    entries_ = 0;
  }
  void push(std::string_view run, std::size_t count) {
    pieces_.push_back({.text = run, .count = count});
  }

  const char* begin_;  // of the run
  const char* const end_;
  const char* last_comma_ = nullptr;
  std::size_t entries_ = 0;  // in the run, without one that is not complete
  std::size_t counted_ = 0;
  std::vector<Piece>& pieces_;
};

// Collects the ordinals of the members that have one name.
class MemberSearch {
 public:
  explicit MemberSearch(std::string_view name) noexcept : name_(name) {}

  void look_at(const char* member, const char* end) {
    while (member != end && is_white_space(*member)) ++member;
    if (member != end) look_at_name({member, static_cast<std::size_t>(end - member)});
  }
  // `text` begins with the name.
  void look_at_name(std::string_view text) {
    if (string_is(text, name_)) found_ = found_ == Tree::kNone ? ordinal_ : Tree::kSeveral;
    ++ordinal_;
  }
  // The members behind the commas of a block.
  void look_behind(const char* block, std::uint64_t commas, const char* end) {
    for (; commas != 0; commas &= commas - 1) look_at(block + std::countr_zero(commas) + 1, end);
  }
  void skip() noexcept { ++ordinal_; }

  [[nodiscard]] std::size_t found() const noexcept { return found_; }

 private:
  const std::string_view name_;
  std::size_t ordinal_ = 0;
  std::size_t found_ = Tree::kNone;
};

// Writes a value without recursion. `sink` takes the pieces of the text in order.
template <typename Sink>
void write_pieces(const Value& value, Sink sink) {
  struct Open {
    const Container* container;
    std::size_t next = 0;          // piece
    bool empty = true;             // so far
    const Entry* entry = nullptr;  // whose value was written last
  };
  std::vector<Open> stack;
  const auto begin = [&](const Value& what) {
    if (what.opened == nullptr) return sink(what.text);
    sink(what.opened->is_object ? "{" : "[");
    stack.push_back({.container = what.opened});
  };
  begin(value);
  while (!stack.empty()) {
    Open& open = stack.back();
    if (open.entry != nullptr) sink(open.entry->trail);
    open.entry = nullptr;
    const auto& pieces = open.container->pieces;
    while (open.next < pieces.size() && pieces[open.next].is_removed()) ++open.next;
    if (open.next == pieces.size()) {
      if (open.empty) sink(open.container->blank);
      sink(open.container->is_object ? "}" : "]");
      stack.pop_back();
      continue;
    }
    if (!open.empty) sink(",");
    open.empty = false;
    const Piece& piece = pieces[open.next++];
    if (piece.entry == nullptr) {
      sink(piece.text);
      continue;
    }
    open.entry = piece.entry;
    sink(piece.entry->lead);
    sink(piece.entry->name);
    begin(piece.entry->value);
  }
}

}  // namespace

std::string_view entry_of_run(std::string_view run, std::size_t n) noexcept {
  const char* begin = run.data();
  const char* end = end_of(run);
  std::size_t commas_seen = 0;
  visit_commas(run, [&](const char* block, std::uint64_t commas) {
    const std::size_t count = count_ones(commas);
    if (commas_seen + count < n) {
      commas_seen += count;
      return true;
    }
    for (; commas != 0; commas &= commas - 1) {
      const char* const comma = block + std::countr_zero(commas);
      if (++commas_seen == n) begin = comma + 1;
      if (commas_seen == n + 1) {
        end = comma;
        return false;
      }
    }
    return true;
  });
  return {begin, static_cast<std::size_t>(end - begin)};
}

void count_elements(Container& array, std::size_t wanted) {
  if (!array.is_unread()) return;
  std::size_t missing = wanted;
  const std::size_t counted = array.counted();
  if (counted > wanted) return;
  missing -= counted;
  const std::string_view unread = array.pieces.back().text;
  array.pieces.pop_back();
  RunCutter cutter(unread, array.pieces);
  bool stopped = false;
  visit_commas(unread, [&](const char* block, std::uint64_t commas) {
    cutter.count(block, commas);
    stopped = cutter.counted() > missing;
    return !stopped;
  });
  if (stopped) {
    cutter.stop();
  } else {
    cutter.finish();
  }
}

std::size_t search_member(Container& object, std::string_view name) {
  MemberSearch search(name);
  if (object.is_unread()) {
    const std::string_view members = object.pieces.back().text;
    object.pieces.pop_back();
    RunCutter cutter(members, object.pieces);
    search.look_at(members.data(), end_of(members));
    visit_commas(members, [&](const char* block, std::uint64_t commas) {
      search.look_behind(block, commas, end_of(members));
      cutter.count(block, commas);
      return true;
    });
    cutter.finish();
    return search.found();
  }
  for (const Piece& piece : object.pieces) {
    if (piece.is_removed()) {
      search.skip();
    } else if (piece.entry != nullptr) {
      search.look_at_name(piece.entry->name);
    } else {
      for_each_entry(piece.text,
                     [&](std::string_view rest) { search.look_at(rest.data(), end_of(rest)); });
    }
  }
  return search.found();
}

void add_to_index(Container& object, std::string_view name_text, std::size_t ordinal) {
  const std::string_view name = inside_of_string(name_text);
  if (name.find('\\') == std::string_view::npos) return object.index.add(name, ordinal);
  object.index.add(unescaped(name), ordinal);
}

void index_members(Container& object) {
  object.index.reserve(object.counted());
  std::size_t ordinal = 0;
  for (const Piece& piece : object.pieces) {
    if (piece.entry != nullptr) {
      if (!piece.is_removed()) add_to_index(object, piece.entry->name, ordinal);
      ++ordinal;
      continue;
    }
    for_each_entry(piece.text, [&](std::string_view rest) {
      rest.remove_prefix(leading_white_space(rest).size());
      add_to_index(object, rest, ordinal++);
    });
  }
  object.indexed = true;
}

std::size_t size_of(const Value& value) {
  std::size_t size = 0;
  write_pieces(value, [&](std::string_view piece) { size += piece.size(); });
  return size;
}

void append_to(std::string& out, const Value& value) {
  write_pieces(value, [&](std::string_view piece) { out += piece; });
}

void append_to(std::string& out, const Value& value, const Comments& comments) {
  write_pieces(value, [&](std::string_view piece) { out += comments.shown(piece); });
}

}  // namespace safechunk::json
