#include "file_edits.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <safechunk/safechunk.hpp>

#include "calls.h"
#include "engine.h"
#include "values.h"

namespace safechunk::python {
namespace {

// Kind, pointer and JSON text.
using Edits = std::vector<std::tuple<int, std::string, std::string>>;

nb::tuple edit_file_at(const nb::bytes& path, const Edits& edits, int dialect, unsigned indent,
                       double lock_timeout_ms, std::optional<std::string> if_revision, bool create,
                       bool backup) {
  std::vector<FileEdit> list;
  list.reserve(edits.size());
  for (const auto& [kind, pointer, text] : edits) {
    list.push_back({static_cast<FileEdit::Kind>(kind), pointer, text});
  }
  FileEditOptions options;
  options.dialect = static_cast<Dialect>(dialect);
  options.indent = indent;
  options.lock_timeout = std::chrono::milliseconds(static_cast<std::int64_t>(lock_timeout_ms));
  options.if_revision = std::move(if_revision);
  options.create = create;
  options.backup = backup;
  const std::string file = path_bytes(path);
  const auto done = without_gil([&] { return edit_file(file, list, options); });
  nb::list faults;
  for (const Error& fault : done->faults) faults.append(to_str(fault.to_text()));
  return nb::make_tuple(done->changed, to_str(done->revision), faults);
}

// The text, the value and the revision.
nb::tuple read_json_file_at(const nb::bytes& path, int dialect) {
  const std::string file = path_bytes(path);
  const auto found =
      without_gil([&] { return read_json_file(file, static_cast<Dialect>(dialect)); });
  return nb::make_tuple(to_str(found->text), read_value(found->json, nb::none(), nb::none()),
                        to_str(found->revision));
}

}  // namespace

void add_file_edits(nb::module_& module) {
  module.def("edit_file", &edit_file_at, nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(),
             nb::arg().none(), nb::arg(), nb::arg());
  module.def("read_json_file", &read_json_file_at);
}

}  // namespace safechunk::python
