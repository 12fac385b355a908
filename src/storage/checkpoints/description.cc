#include "storage/checkpoints/description.h"

#include <utility>

#include "base/limits.h"
#include "base/unicode.h"
#include "json/member.h"
#include "json/scan.h"

namespace safechunk {
namespace {

std::string list_of(const std::set<std::string>& names) {
  std::string list;
  for (const std::string& name : names) {
    list += (list.empty() ? "" : ", ") + json::quote(name);
  }
  return "[" + list + "]";
}

bool is_label(std::string_view text) {
  return text.size() <= limits::kLabelBytes && text.find('\0') == std::string_view::npos &&
         is_utf8(text);
}

}  // namespace

std::string Description::to_text() const {
  return "{\n    \"engine\": \"safechunk\",\n    \"format\": 1,\n    \"number\": " +
         std::to_string(number) + ",\n    \"project\": " + json::quote(project_id) +
         ",\n    \"label\": " + json::quote(label.value_or("")) +
         ",\n    \"date\": " + json::quote(date) +
         ",\n    \"unix_time\": " + std::to_string(unix_time) +
         ",\n    \"notes\": " + json::quote(notes) +
         ",\n    \"keep\": " + (keep ? "true" : "false") +
         ",\n    \"chunks\": " + std::to_string(chunks.value_or(0)) +
         ",\n    \"left_out\": " + list_of(left_out) +
         ",\n    \"left_out_backups\": " + list_of(left_out_backups) +
         (unix_modes ? ",\n    \"modes\": \"unix\"" : "") + "\n}\n";
}

std::optional<Description> Description::parse(std::string_view text) {
  if (!json::validate(text, {.lenient = true})) return std::nullopt;
  Description found;
  const std::uint64_t number = json::integer_member(text, "number").value_or(0);
  found.number = number <= kLargestNumber ? number : 0;
  found.unix_time = json::integer_member(text, "unix_time").value_or(0);
  auto label = json::string_member(text, "label");
  if (label && is_label(*label)) found.label = std::move(label);
  auto notes = json::string_member(text, "notes");
  if (notes && notes->size() <= limits::kNotesBytes) found.notes = *std::move(notes);
  if (json::string_member(text, "engine") == "safechunk") {
    found.chunks = json::integer_member(text, "chunks");
  }
  found.keep = json::bool_member(text, "keep").value_or(false);
  found.unix_modes = json::string_member(text, "modes") == "unix";
  for (std::string& chunk : json::string_list_member(text, "left_out")) {
    found.left_out.insert(std::move(chunk));
  }
  return found;
}

}  // namespace safechunk
