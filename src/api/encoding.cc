#include "api/encoding.h"

#include "json/characters.h"
#include "json/encoding.h"

namespace safechunk {
namespace {

// `status` with the position in the text in front of which `removed` bytes were taken away.
Status shifted(const Status& status, std::size_t removed) {
  if (removed == 0 || !status.error().position) return status;
  Error error = status.error();
  error.position->offset += removed;
  if (error.position->line == 1) error.position->column += removed;
  return error;
}

}  // namespace

Status put_text(Edits& edits, std::string_view text, std::string_view chunk) {
  const std::string_view json_text = json::without_byte_order_mark(text);
  Status status = edits.put(json_text, chunk);
  if (status.ok()) return status;
  return shifted(json::name_encoding(status, json_text), text.size() - json_text.size());
}

}  // namespace safechunk
