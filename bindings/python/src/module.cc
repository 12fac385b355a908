// The extension module _core: the C++ engine, for the Python code of the package safe_chunk_engine.
//
// Everything that waits or touches a disk runs without the GIL. Errors are exceptions here.

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <safechunk/safechunk.hpp>

#include "dispatcher.h"
#include "gil.h"
#include "json_reader.h"
#include "json_writer.h"

namespace nb = nanobind;

namespace safechunk::python {
namespace {

constexpr std::size_t kFirstBuffer = 4096;
constexpr std::size_t kMostSpare = std::size_t{2} << 20;  // larger buffers are not kept

// For ever: they belong to the module.
PyObject* bad_value_maker = nullptr;
PyObject* integer_of = nullptr;
PyObject* integer_text = nullptr;
PyObject* big_float = nullptr;

[[noreturn]] void raise(const Error& error, bool reported) {
  PyObject* const exception = make_exception(error, reported);
  if (exception != nullptr) {
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception)), exception);
    Py_DECREF(exception);
  }
  throw nb::python_error();
}

const Status& status_of(const Status& status) {
  return status;
}
template <typename T>
const Status& status_of(const Result<T>& result) {
  return result.status();
}

// Runs `call` without the GIL. A failure becomes an exception that says whether on_fault has got
// it.
template <typename Call>
auto without_gil(Call call) {
  const unsigned before = Dispatcher::faults_on_this_thread();
  auto result = [&] {
    const GilReleased released;
    return call();
  }();
  const Status& status = status_of(result);
  if (!status.ok()) raise(status.error(), Dispatcher::faults_on_this_thread() != before);
  return result;
}

// `value` as the bytes of a path: what os.fsencode gives.
std::string path_bytes(const nb::bytes& path) {
  return {path.c_str(), path.size()};
}

void write_value(const nb::handle& value, nb::handle default_hook, std::uint32_t depth_limit,
                 TextBuffer& text) {
  const WriterSettings settings{depth_limit, default_hook.is_none() ? nullptr : default_hook.ptr(),
                                integer_text, big_float, bad_value_maker};
  if (!write_json(value.ptr(), settings, text)) throw nb::python_error();
}

nb::object from_text(std::string_view text, const NumberHooks& hooks = {}) {
  PyObject* const value = read_json(text, hooks);
  if (value == nullptr) throw nb::python_error();
  return nb::steal(value);
}

// A progress handler in Python: returning False cancels, raising cancels and raises from the call.
class Progress {
 public:
  explicit Progress(nb::object handler) : handler_(std::move(handler)) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() = default;  // with the GIL

  [[nodiscard]] ProgressHandler handler() {
    if (handler_.is_none()) return nullptr;
    return [this](std::uint64_t done, std::uint64_t total) { return call(done, total); };
  }
  // Runs `call` without the GIL. An exception of the handler goes before the error of the call.
  template <typename Call>
  auto run(Call call_engine) {
    try {
      return without_gil(std::move(call_engine));
    } catch (nb::python_error&) {
      if (!raised_) throw;
      throw nb::python_error(std::move(*raised_));
    }
  }

 private:
  bool call(std::uint64_t done, std::uint64_t total) {
    const GilAcquired acquired;
    try {
      return !handler_(done, total).is(Py_False);
    } catch (nb::python_error& error) {
      raised_.emplace(std::move(error));
      return false;
    }
  }

  nb::object handler_;
  std::optional<nb::python_error> raised_;
};

class PyTransaction {
 public:
  explicit PyTransaction(Transaction transaction) : transaction_(std::move(transaction)) {}

  void stage(const nb::object& value, const std::string& chunk, const nb::object& default_hook,
             std::uint32_t depth_limit) {
    TextBuffer text(kFirstBuffer);
    write_value(value, default_hook, depth_limit, text);
    alone([&] { return transaction_.stage(text.view(), chunk); });
  }
  void remove(const std::string& chunk) {
    alone([&] { return transaction_.remove(chunk); });
  }
  void commit() {
    alone([&] { return transaction_.commit(); });
  }

 private:
  // Refuses a second thread: calls run without the GIL, and two threads inside would damage memory.
  // A handler that commit() calls may use the transaction. There is no lock, because a forked child
  // could find it locked.
  template <typename Call>
  void alone(Call call) {
    const std::thread::id self = std::this_thread::get_id();
    if (user_ != std::thread::id() && user_ != self) {
      Error error;
      error.code = ErrorCode::invalid_argument;
      error.message = "another thread is using this transaction";
      raise(error, false);
    }
    const std::thread::id before = std::exchange(user_, self);
    try {
      (void)without_gil(std::move(call));
    } catch (...) {
      user_ = before;
      throw;
    }
    user_ = before;
  }

  Transaction transaction_;
  std::thread::id user_;  // guarded by the GIL: the thread that is inside
};

class PyEngine {
 public:
  PyEngine(std::string project_id, const nb::bytes& base_dir, double debounce_ms, double max_ms,
           bool journal_durability, unsigned indent, std::uint64_t journal_limit,
           std::uint32_t depth_limit, std::uint64_t chunk_size_limit, bool read_only,
           std::uint32_t file_mode, bool weak_locks, bool weak_folders, const nb::object& events)
      : dispatcher_(std::make_shared<Dispatcher>(events.ptr())), depth_limit_(depth_limit) {
    EngineOptions options;
    options.base_dir = path_bytes(base_dir);
    options.debounce_delay = std::chrono::milliseconds(static_cast<std::int64_t>(debounce_ms));
    options.max_delay = std::chrono::milliseconds(static_cast<std::int64_t>(max_ms));
    options.durability = journal_durability ? Durability::journal : Durability::file;
    options.indent = indent;
    options.journal_limit = journal_limit;
    options.depth_limit = depth_limit;
    options.chunk_size_limit = chunk_size_limit;
    options.read_only = read_only;
    options.file_mode = file_mode;
    options.weak_locks = weak_locks;
    options.weak_folders = weak_folders;
    const GilReleased released;
    engine_ = std::make_unique<SafeChunkEngine>(std::move(project_id), std::move(options));
    engine_->on_status([to = dispatcher_](std::string_view text) { to->status(text); });
    engine_->on_sync([to = dispatcher_] { to->sync(); });
    engine_->on_fault([to = dispatcher_](const Error& error) { to->fault(error); });
  }
  PyEngine(const PyEngine&) = delete;
  PyEngine& operator=(const PyEngine&) = delete;
  // Detaches. The worker may wait for the GIL; after the end of the interpreter it would wait for
  // ever, so the engine is leaked then.
  ~PyEngine() {
    {
      const GilReleased released;
      if (Dispatcher::all_stopped()) {
        (void)engine_->detach();
        (void)engine_.release();
      }
      engine_.reset();
    }
    dispatcher_->release();
  }

  // --- lifecycle

  void attach() {
    (void)without_gil([&] { return engine_->attach(); });
  }
  void detach() {
    (void)without_gil([&] { return engine_->detach(); });
  }
  void set_debounce_delay(double milliseconds) {
    const GilReleased released;
    engine_->set_debounce_delay(std::chrono::milliseconds(static_cast<std::int64_t>(milliseconds)));
  }
  // Raises the error of the last attach().
  void check_status() {
    (void)without_gil([&] { return engine_->status(); });
  }
  [[nodiscard]] bool is_active() const {
    const GilReleased released;
    return engine_->is_active();
  }
  [[nodiscard]] bool is_dirty() const {
    const GilReleased released;
    return engine_->is_dirty();
  }
  [[nodiscard]] nb::object owner() const {
    const std::optional<OwnerInfo> owner = engine_->owner();
    return owner ? from_text(to_json(*owner)) : nb::none();
  }
  [[nodiscard]] nb::object project_path() const {
    const std::string& path = engine_->project_path();
    PyObject* const text =
        PyUnicode_DecodeFSDefaultAndSize(path.data(), static_cast<Py_ssize_t>(path.size()));
    if (text == nullptr) throw nb::python_error();
    return nb::steal(text);
  }

  // --- writing

  void stage_update(const nb::object& value, const std::string& chunk,
                    const nb::object& default_hook) {
    // Allocating a buffer costs more than filling it, so one is kept. Another thread that stages
    // meanwhile gets a buffer of its own.
    std::unique_ptr<TextBuffer> text = std::move(spare_buffer_);
    if (text == nullptr) text = std::make_unique<TextBuffer>(kFirstBuffer);
    text->truncate(0);
    write_value(value, default_hook, depth_limit_, *text);
    (void)without_gil([&] { return engine_->stage_update(text->view(), chunk); });
    if (text->capacity() <= kMostSpare) spare_buffer_ = std::move(text);
  }
  void stage_text(std::string_view text, const std::string& chunk) {
    (void)without_gil([&] { return engine_->stage_update(text, chunk); });
  }
  void remove_chunk(const std::string& chunk) {
    (void)without_gil([&] { return engine_->remove_chunk(chunk); });
  }
  void force_sync() {
    (void)without_gil([&] { return engine_->force_sync(); });
  }
  [[nodiscard]] PyTransaction transaction() { return PyTransaction(engine_->transaction()); }

  // --- reading

  nb::object find_chunk(const std::string& chunk, bool strict, const nb::object& when_missing,
                        const nb::object& parse_int, const nb::object& parse_float) {
    const std::optional<std::string> text = read_chunk(chunk, strict);
    if (!text) return when_missing;
    const auto hook = [](const nb::object& function) {
      return function.is_none() ? nullptr : function.ptr();
    };
    return from_text(*text, {hook(parse_int), hook(parse_float), integer_of, big_float});
  }
  nb::object find_text(const std::string& chunk, bool strict) {
    const std::optional<std::string> text = read_chunk(chunk, strict);
    if (!text) return nb::none();
    return nb::str(text->data(), text->size());
  }
  std::vector<std::string> list_chunks() {
    return *without_gil([&] { return engine_->list_chunks(); });
  }

  // --- checkpoints

  std::string create_checkpoint(const std::string& label, int retention, const std::string& notes,
                                bool keep, nb::object progress) {
    Progress handler(std::move(progress));
    const CheckpointOptions options{label, retention, notes, keep};
    return *handler.run([&] { return engine_->create_checkpoint(options, handler.handler()); });
  }
  nb::object list_checkpoints() {
    return from_text(to_json(*without_gil([&] { return engine_->list_checkpoints(); })));
  }
  void verify_checkpoint(const std::string& name, nb::object progress) {
    Progress handler(std::move(progress));
    (void)handler.run([&] { return engine_->verify_checkpoint(name, handler.handler()); });
  }
  void restore_checkpoint(const std::string& name, nb::object progress) {
    Progress handler(std::move(progress));
    (void)handler.run([&] { return engine_->restore_checkpoint(name, handler.handler()); });
  }
  void delete_checkpoint(const std::string& name) {
    (void)without_gil([&] { return engine_->delete_checkpoint(name); });
  }

  // --- health

  nb::object health_report() {
    return from_text(to_json(*without_gil([&] { return engine_->health_report(); })));
  }
  [[nodiscard]] nb::object recovery_report() const {
    return from_text(to_json(engine_->recovery_report()));
  }
  nb::object verify(nb::object progress) {
    Progress handler(std::move(progress));
    return from_text(to_json(*handler.run([&] { return engine_->verify(handler.handler()); })));
  }
  void repair(nb::object progress) {
    Progress handler(std::move(progress));
    (void)handler.run([&] { return engine_->repair(handler.handler()); });
  }

  // --- for the garbage collector: handlers usually refer to the engine

  static int traverse(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    if (!nb::inst_ready(self)) return 0;
    const auto* const engine = nb::inst_ptr<PyEngine>(self);
    Py_VISIT(engine->dispatcher_->events());
    return 0;
  }
  static int clear(PyObject* self) {
    if (nb::inst_ready(self)) nb::inst_ptr<PyEngine>(self)->dispatcher_->release();
    return 0;
  }

 private:
  // When `strict`, an older version is an error, which on_fault has got.
  std::optional<std::string> read_chunk(const std::string& chunk, bool strict) {
    ChunkRead found = *without_gil([&] { return engine_->read_chunk(chunk); });
    if (strict && !found.older.ok()) raise(found.older.error(), true);
    return std::move(found.text);
  }

  std::unique_ptr<SafeChunkEngine> engine_;
  std::shared_ptr<Dispatcher> dispatcher_;
  std::uint32_t depth_limit_;
  std::unique_ptr<TextBuffer> spare_buffer_;  // guarded by the GIL; may be null
};

PyType_Slot engine_slots[] = {
    {Py_tp_traverse, reinterpret_cast<void*>(PyEngine::traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(PyEngine::clear)},
    {0, nullptr},
};

void set_makers(const nb::object& exception, const nb::object& bad_value) {
  set_exception_maker(exception.ptr());
  Py_XSETREF(bad_value_maker, Py_NewRef(bad_value.ptr()));
}

void set_numbers(const nb::object& integer_of_text, const nb::object& text_of_integer,
                 const nb::object& float_class) {
  Py_XSETREF(integer_of, Py_NewRef(integer_of_text.ptr()));
  Py_XSETREF(integer_text, Py_NewRef(text_of_integer.ptr()));
  Py_XSETREF(big_float, Py_NewRef(float_class.ptr()));
}

// Whether `base_dir` holds the project; raises for a name that is not allowed.
bool project_exists(const std::string& project_id, const nb::bytes& base_dir) {
  EngineOptions options;
  options.base_dir = path_bytes(base_dir);
  options.read_only = true;
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

nb::str dump(const nb::object& value, const nb::object& default_hook, std::uint32_t depth_limit) {
  TextBuffer text(kFirstBuffer);
  write_value(value, default_hook, depth_limit, text);
  return nb::str(text.view().data(), text.size());
}

nb::object load(std::string_view text) {
  return from_text(text, {nullptr, nullptr, integer_of, big_float});
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
  module.def("set_numbers", &set_numbers);
  module.def("stop_handlers", &Dispatcher::stop_all);
  module.def("project_exists", &project_exists);
  module.def("unlock", &unlock);
  module.def("dump", &dump, nb::arg().none(), nb::arg().none(), nb::arg());
  module.def("load", [](const nb::str& text) {
    Py_ssize_t size = 0;
    const char* const bytes = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
    if (bytes == nullptr) throw nb::python_error();
    return load(std::string_view(bytes, static_cast<std::size_t>(size)));
  });

  nb::class_<PyTransaction>(module, "Transaction")
      .def("stage", &PyTransaction::stage, nb::arg().none(), nb::arg(), nb::arg().none(), nb::arg())
      .def("remove", &PyTransaction::remove)
      .def("commit", &PyTransaction::commit);

  nb::class_<PyEngine>(module, "Engine", nb::type_slots(engine_slots))
      .def(nb::init<std::string, nb::bytes, double, double, bool, unsigned, std::uint64_t,
                    std::uint32_t, std::uint64_t, bool, std::uint32_t, bool, bool, nb::object>())
      .def("attach", &PyEngine::attach)
      .def("detach", &PyEngine::detach)
      .def("set_debounce_delay", &PyEngine::set_debounce_delay)
      .def("check_status", &PyEngine::check_status)
      .def("is_active", &PyEngine::is_active)
      .def("is_dirty", &PyEngine::is_dirty)
      .def("owner", &PyEngine::owner)
      .def("project_path", &PyEngine::project_path)
      .def("stage_update", &PyEngine::stage_update, nb::arg().none(), nb::arg(), nb::arg().none())
      .def("stage_text", [](PyEngine& self, const std::string& text,
                            const std::string& chunk) { self.stage_text(text, chunk); })
      .def("remove_chunk", &PyEngine::remove_chunk)
      .def("force_sync", &PyEngine::force_sync)
      .def("transaction", &PyEngine::transaction, nb::keep_alive<0, 1>())
      .def("find_chunk", &PyEngine::find_chunk, nb::arg(), nb::arg(), nb::arg().none(),
           nb::arg().none(), nb::arg().none())
      .def("find_text", &PyEngine::find_text)
      .def("list_chunks", &PyEngine::list_chunks)
      .def("create_checkpoint", &PyEngine::create_checkpoint, nb::arg(), nb::arg(), nb::arg(),
           nb::arg(), nb::arg().none())
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
