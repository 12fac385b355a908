// The extension module _core: the C++ engine, for the Python code of the package safe_chunk_engine.
//
// Everything that waits or touches a disk runs without the GIL. Errors are exceptions here.

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <safechunk/safechunk.hpp>

#include "calls.h"
#include "dispatcher.h"
#include "engine.h"
#include "file_edits.h"
#include "gil.h"
#include "logs.h"
#include "transaction.h"
#include "values.h"
#include "watch.h"

namespace safechunk::python {
namespace {

PyType_Slot engine_slots[] = {
    {Py_tp_traverse, reinterpret_cast<void*>(PyEngine::traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(PyEngine::clear)},
    {0, nullptr},
};

void set_makers(const nb::object& exception, const nb::object& bad_value) {
  set_exception_maker(exception.ptr());
  set_bad_value_maker(bad_value);
}

// Whether `base_dir` holds the project; raises for a name that is not allowed.
bool project_exists(const std::string& project_id, const nb::bytes& base_dir) {
  EngineOptions options;
  options.base_dir = path_bytes(base_dir);
  options.mode = Mode::read;
  auto opened = [&] {
    const GilReleased released;
    auto engine = SafeChunkEngine::open(project_id, std::move(options));
    return engine.status();
  }();
  if (opened.code() == ErrorCode::not_found) return false;
  if (!opened.ok()) raise(opened.error(), false);
  return true;
}

void unlock(const std::string& project_id, const nb::bytes& base_dir, bool force) {
  (void)without_gil([&] { return unlock_project(project_id, path_bytes(base_dir), force); });
}

std::vector<std::string> list_projects_in(const nb::bytes& base_dir) {
  return *without_gil([&] { return list_projects(path_bytes(base_dir)); });
}

void release_place_at(const nb::bytes& path, int place, bool force) {
  (void)without_gil(
      [&] { return release_place(path_bytes(path), static_cast<PlaceKind>(place), force); });
}

void delete_project_in(const std::string& project_id, const nb::bytes& base_dir) {
  (void)without_gil([&] { return delete_project(project_id, path_bytes(base_dir)); });
}

nb::str dump(const nb::object& value, const nb::object& default_hook, std::uint32_t depth_limit) {
  TextBuffer text(kFirstBuffer);
  write_value(value, default_hook, depth_limit, text);
  return to_str(text.view());
}

nb::object load(const nb::str& text, const nb::object& parse_int, const nb::object& parse_float) {
  Py_ssize_t size = 0;
  const char* const bytes = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
  if (bytes == nullptr) throw nb::python_error();
  return read_value({bytes, static_cast<std::size_t>(size)}, parse_int, parse_float);
}

void make_condition(EditCondition* self, std::optional<std::string> if_revision, bool if_absent) {
  new (self) EditCondition{std::move(if_revision), if_absent};
}

}  // namespace

NB_MODULE(_core, module) {
  // Engines may live until the interpreter ends.
  nb::set_leak_warnings(false);
  module.attr("version") = nb::str(version().data(), version().size());
  nb::list error_codes;
  for (const ErrorCodeName& code : kErrorCodes) {
    error_codes.append(nb::str(code.name.data(), code.name.size()));
  }
  module.attr("error_codes") = nb::tuple(error_codes);
  module.def("set_makers", &set_makers);
  module.def("set_models", &set_models);
  module.def("set_numbers", &set_numbers);
  module.def("stop_handlers", &Dispatcher::stop_all);
  module.def("project_exists", &project_exists);
  module.def("unlock", &unlock);
  module.def("list_projects", &list_projects_in);
  module.def("delete_project", &delete_project_in);
  module.def("release_place", &release_place_at);
  add_file_edits(module);
  module.def("dump", &dump, nb::arg().none(), nb::arg().none(), nb::arg());
  module.def("load", &load, nb::arg(), nb::arg().none() = nb::none(),
             nb::arg().none() = nb::none());

  nb::class_<EditCondition>(module, "Condition")
      .def("__init__", &make_condition, nb::arg().none(), nb::arg());

  nb::class_<PyWatch>(module, "Watch")
      .def("next", &PyWatch::next)
      .def("wake", &PyWatch::wake)
      .def("descriptor", &PyWatch::descriptor);

  nb::class_<PyLogFollower>(module, "LogFollower")
      .def("next", &PyLogFollower::next, nb::arg(), nb::arg().none(), nb::arg().none())
      .def("wake", &PyLogFollower::wake)
      .def("position", &PyLogFollower::position);

  nb::class_<PyTransaction>(module, "Transaction")
      .def("stage", &PyTransaction::stage, nb::arg().none(), nb::arg(), nb::arg().none(), nb::arg())
      .def("remove", &PyTransaction::remove)
      .def("stage_value", &PyTransaction::stage_value)
      .def("remove_value", &PyTransaction::remove_value)
      .def("stage_merge", &PyTransaction::stage_merge)
      .def("stage_patch", &PyTransaction::stage_patch)
      .def("read", &PyTransaction::read, nb::arg(), nb::arg().none(), nb::arg().none(),
           nb::arg().none())
      .def("require", &PyTransaction::require)
      .def("commit", &PyTransaction::commit);

  nb::class_<PyEngine>(module, "Engine", nb::type_slots(engine_slots))
      .def(nb::init<nb::bytes, int, nb::bytes, double, double, bool, unsigned, std::uint64_t,
                    std::uint32_t, std::uint64_t, int, double, std::uint32_t, bool, bool,
                    nb::object>())
      .def("attach", &PyEngine::attach)
      .def("detach", &PyEngine::detach)
      .def("set_debounce_delay", &PyEngine::set_debounce_delay)
      .def("check_status", &PyEngine::check_status)
      .def("is_active", &PyEngine::is_active)
      .def("is_dirty", &PyEngine::is_dirty)
      .def("owner", &PyEngine::owner)
      .def("project_path", &PyEngine::project_path)
      .def("file_chunk", &PyEngine::file_chunk)
      .def("stage_update", &PyEngine::stage_update, nb::arg().none(), nb::arg(), nb::arg().none(),
           nb::arg())
      .def("stage_text", &PyEngine::stage_text)
      .def("remove_chunk", &PyEngine::remove_chunk)
      .def("stage_value", &PyEngine::stage_value)
      .def("remove_value", &PyEngine::remove_value)
      .def("stage_merge", &PyEngine::stage_merge)
      .def("stage_patch", &PyEngine::stage_patch)
      .def("update", &PyEngine::update)
      .def("force_sync", &PyEngine::force_sync)
      .def("watch", &PyEngine::watch, nb::arg(), nb::arg().none())
      .def("append_log", &PyEngine::append_log, nb::arg(), nb::arg().none(), nb::arg().none())
      .def("extend_log", &PyEngine::extend_log)
      .def("sync_log", &PyEngine::sync_log)
      .def("read_log", &PyEngine::read_log, nb::arg(), nb::arg(), nb::arg(), nb::arg().none(),
           nb::arg().none())
      .def("tail_log", &PyEngine::tail_log, nb::arg(), nb::arg(), nb::arg().none(),
           nb::arg().none())
      .def("follow_log", &PyEngine::follow_log, nb::arg(), nb::arg().none())
      .def("compact_log", &PyEngine::compact_log, nb::arg(), nb::arg(), nb::arg().none(),
           nb::arg().none())
      .def("compact_log_to_last", &PyEngine::compact_log_to_last)
      .def("rotate_log", &PyEngine::rotate_log)
      .def("remove_log", &PyEngine::remove_log)
      .def("list_logs", &PyEngine::list_logs)
      .def("transaction", &PyEngine::transaction, nb::keep_alive<0, 1>())
      .def("has_chunk", &PyEngine::has_chunk)
      .def("find_chunk", &PyEngine::find_chunk, nb::arg(), nb::arg(), nb::arg().none(),
           nb::arg().none(), nb::arg().none())
      .def("find_text", &PyEngine::find_text)
      .def("find_revision", &PyEngine::find_revision)
      .def("find_value", &PyEngine::find_value, nb::arg(), nb::arg(), nb::arg(), nb::arg().none(),
           nb::arg().none(), nb::arg().none())
      .def("list_chunks", &PyEngine::list_chunks)
      .def("create_checkpoint", &PyEngine::create_checkpoint, nb::arg(), nb::arg(), nb::arg(),
           nb::arg(), nb::arg().none())
      .def("export_archive", &PyEngine::export_archive, nb::arg(), nb::arg(), nb::arg(),
           nb::arg().none())
      .def("list_checkpoints", &PyEngine::list_checkpoints)
      .def("verify_checkpoint", &PyEngine::verify_checkpoint, nb::arg(), nb::arg().none())
      .def("restore_checkpoint", &PyEngine::restore_checkpoint, nb::arg(), nb::arg().none())
      .def("delete_checkpoint", &PyEngine::delete_checkpoint)
      .def("health_report", &PyEngine::health_report)
      .def("recovery_report", &PyEngine::recovery_report)
      .def("verify", &PyEngine::verify, nb::arg().none())
      .def("repair", &PyEngine::repair, nb::arg().none());
}

}  // namespace safechunk::python
