// The class _core.Engine.
#pragma once

#include <nanobind/nanobind.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <safechunk/safechunk.hpp>

#include "calls.h"
#include "dispatcher.h"
#include "gil.h"
#include "logs.h"
#include "transaction.h"
#include "values.h"
#include "watch.h"

namespace safechunk::python {

inline constexpr std::size_t kMostSpare = std::size_t{2} << 20;  // larger buffers are not kept

// `value` as the bytes of a path: what os.fsencode gives.
inline std::string path_bytes(const nb::bytes& path) {
  return {path.c_str(), path.size()};
}

class PyEngine {
 public:
  PyEngine(const nb::bytes& project_id, int place, const nb::bytes& base_dir, double debounce_ms,
           double max_ms, bool journal_durability, unsigned indent, std::uint64_t journal_limit,
           std::uint32_t depth_limit, std::uint64_t chunk_size_limit, int mode,
           double lock_timeout_ms, std::uint32_t file_mode, bool weak_locks, bool weak_folders,
           const nb::object& events)
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
    options.mode = static_cast<Mode>(mode);
    options.lock_timeout = std::chrono::milliseconds(static_cast<std::int64_t>(lock_timeout_ms));
    options.file_mode = file_mode;
    options.weak_locks = weak_locks;
    options.weak_folders = weak_folders;
    options.place = static_cast<PlaceKind>(place);
    std::string name = path_bytes(project_id);
    const GilReleased released;
    engine_ = std::make_unique<SafeChunkEngine>(std::move(name), std::move(options));
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
  [[nodiscard]] const std::string& file_chunk() const { return engine_->file_chunk(); }
  [[nodiscard]] nb::object project_path() const {
    const std::string& path = engine_->project_path();
    PyObject* const text =
        PyUnicode_DecodeFSDefaultAndSize(path.data(), static_cast<Py_ssize_t>(path.size()));
    if (text == nullptr) throw nb::python_error();
    return nb::steal(text);
  }

  // --- writing

  void stage_update(const nb::object& value, const std::string& chunk,
                    const nb::object& default_hook, const EditCondition& condition) {
    // Allocating a buffer costs more than filling it, so one is kept. Another thread that stages
    // meanwhile gets a buffer of its own.
    std::unique_ptr<TextBuffer> text = std::move(spare_buffer_);
    if (text == nullptr) text = std::make_unique<TextBuffer>(kFirstBuffer);
    text->truncate(0);
    write_value(value, default_hook, depth_limit_, *text);
    (void)without_gil([&] { return engine_->stage_update(text->view(), chunk, condition); });
    if (text->capacity() <= kMostSpare) spare_buffer_ = std::move(text);
  }
  void stage_text(const std::string& text, const std::string& chunk,
                  const EditCondition& condition) {
    (void)without_gil(
        [&] { return engine_->stage_update(std::string_view(text), chunk, condition); });
  }
  void remove_chunk(const std::string& chunk, const EditCondition& condition) {
    (void)without_gil([&] { return engine_->remove_chunk(chunk, condition); });
  }
  void stage_value(const std::string& chunk, const std::string& pointer, const std::string& text,
                   const EditCondition& condition) {
    (void)without_gil(
        [&] { return engine_->stage_value(chunk, pointer, std::string_view(text), condition); });
  }
  void remove_value(const std::string& chunk, const std::string& pointer,
                    const EditCondition& condition) {
    (void)without_gil([&] { return engine_->remove_value(chunk, pointer, condition); });
  }
  void stage_merge(const std::string& chunk, const std::string& changes,
                   const EditCondition& condition) {
    (void)without_gil([&] { return engine_->stage_merge(chunk, changes, condition); });
  }
  void stage_patch(const std::string& chunk, const std::string& operations,
                   const EditCondition& condition) {
    (void)without_gil([&] { return engine_->stage_patch(chunk, operations, condition); });
  }
  // `function` gets the text, or None when there is no such chunk, and returns a JSON Patch. An
  // exception of the function goes before the error of the call.
  void update(const std::string& chunk, const nb::object& function) {
    std::optional<nb::python_error> raised;
    const auto call = [&](const ChunkRead& present) -> Result<std::string> {
      const GilAcquired acquired;
      try {
        const nb::object text = present.text ? nb::object(to_str(*present.text)) : nb::none();
        return nb::cast<std::string>(function(text));
      } catch (nb::python_error& error) {
        raised.emplace(std::move(error));
        return Status(ErrorCode::cancelled, "the function has raised an exception");
      }
    };
    try {
      (void)without_gil([&] { return engine_->update_by_patch(chunk, call); });
    } catch (nb::python_error&) {
      if (!raised) throw;
      throw nb::python_error(std::move(*raised));
    }
  }
  void force_sync() {
    (void)without_gil([&] { return engine_->force_sync(); });
  }
  [[nodiscard]] PyWatch watch(bool every, std::optional<std::uint64_t> since) {
    const auto delivery = every ? WatchOptions::Delivery::every : WatchOptions::Delivery::latest;
    auto opened = without_gil([&] { return engine_->watch({delivery, since}); });
    return PyWatch(*std::move(opened));
  }

  // --- logs

  std::uint64_t append_log(const std::string& log, const nb::object& value,
                           const nb::object& default_hook) {
    std::unique_ptr<TextBuffer> text = std::move(spare_buffer_);
    if (text == nullptr) text = std::make_unique<TextBuffer>(kFirstBuffer);
    text->truncate(0);
    write_value(value, default_hook, depth_limit_, *text);
    const auto position = without_gil([&] { return engine_->log(log).append(text->view()); });
    if (text->capacity() <= kMostSpare) spare_buffer_ = std::move(text);
    return *position;
  }
  std::uint64_t extend_log(const std::string& log, const std::vector<std::string>& texts) {
    return *without_gil([&] { return engine_->log(log).append(std::span(texts)); });
  }
  void sync_log(const std::string& log) {
    (void)without_gil([&] { return engine_->log(log).sync(); });
  }
  nb::tuple read_log(const std::string& log, std::uint64_t from, std::size_t limit,
                     const nb::object& parse_int, const nb::object& parse_float) {
    const auto page = without_gil([&] { return engine_->log(log).read(from, limit); });
    return page_tuple(*page, parse_int, parse_float);
  }
  nb::tuple tail_log(const std::string& log, std::size_t count, const nb::object& parse_int,
                     const nb::object& parse_float) {
    const auto page = without_gil([&] { return engine_->log(log).tail(count); });
    return page_tuple(*page, parse_int, parse_float);
  }
  PyLogFollower follow_log(const std::string& log, std::optional<std::uint64_t> from) {
    auto opened = without_gil([&] { return engine_->log(log).follow(from); });
    return PyLogFollower(*std::move(opened));
  }
  void compact_log(const std::string& log, const nb::object& keep, const nb::object& parse_int,
                   const nb::object& parse_float) {
    Keep function(keep, parse_int, parse_float);
    try {
      (void)without_gil([&] { return engine_->log(log).compact(std::ref(function)); });
    } catch (const Keep::Raised&) {
      function.raise_again();
    }
  }
  void compact_log_to_last(const std::string& log, std::size_t keep_last) {
    (void)without_gil([&] { return engine_->log(log).compact(keep_last); });
  }
  std::string rotate_log(const std::string& log) {
    return *without_gil([&] { return engine_->log(log).rotate(); });
  }
  void remove_log(const std::string& log) {
    (void)without_gil([&] { return engine_->log(log).remove(); });
  }
  // [(name, bytes), ...]
  nb::list list_logs() {
    const auto logs = without_gil([&] { return engine_->list_logs(); });
    nb::list found;
    for (const LogInfo& log : *logs) found.append(nb::make_tuple(to_str(log.name), log.bytes));
    return found;
  }

  [[nodiscard]] PyTransaction transaction() { return PyTransaction(engine_->transaction()); }

  // --- reading

  // Reads the text and makes no value of it.
  bool has_chunk(const std::string& chunk) {
    return without_gil([&] { return engine_->read_chunk(chunk); })->text.has_value();
  }
  nb::object find_chunk(const std::string& chunk, bool strict, const nb::object& when_missing,
                        const nb::object& parse_int, const nb::object& parse_float) {
    const std::optional<std::string> text = read_chunk(chunk, strict);
    return text ? read_value(*text, parse_int, parse_float) : when_missing;
  }
  nb::object find_text(const std::string& chunk, bool strict) {
    const std::optional<std::string> text = read_chunk(chunk, strict);
    if (!text) return nb::none();
    return to_str(*text);
  }
  // The text and the revision.
  nb::tuple find_revision(const std::string& chunk, bool strict) {
    const ChunkRead found = sound(without_gil([&] { return engine_->read_chunk(chunk); }), strict);
    const nb::object text = found.text ? nb::object(to_str(*found.text)) : nb::none();
    return nb::make_tuple(text, to_str(found.revision));
  }
  nb::object find_value(const std::string& chunk, bool strict, const std::string& pointer,
                        const nb::object& when_missing, const nb::object& parse_int,
                        const nb::object& parse_float) {
    const ChunkRead found =
        sound(without_gil([&] { return engine_->read_value(chunk, pointer); }), strict);
    return found.text ? read_value(*found.text, parse_int, parse_float) : when_missing;
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
  void export_archive(const nb::bytes& file, const std::string& label, const std::string& notes,
                      nb::object progress) {
    Progress handler(std::move(progress));
    const std::string path = path_bytes(file);
    const ExportOptions options{label, notes};
    (void)handler.run([&] { return engine_->export_archive(path, options, handler.handler()); });
  }
  nb::object list_checkpoints() {
    return from_text(to_json(*without_gil([&] { return engine_->list_checkpoints(); })));
  }
  void verify_checkpoint(const nb::bytes& name, nb::object progress) {
    Progress handler(std::move(progress));
    const std::string archive = path_bytes(name);
    (void)handler.run([&] { return engine_->verify_checkpoint(archive, handler.handler()); });
  }
  void restore_checkpoint(const nb::bytes& name, nb::object progress) {
    Progress handler(std::move(progress));
    const std::string archive = path_bytes(name);
    (void)handler.run([&] { return engine_->restore_checkpoint(archive, handler.handler()); });
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
  static ChunkRead sound(Result<ChunkRead> found, bool strict) {
    if (strict && !found->older.ok()) raise(found->older.error(), true);
    return *std::move(found);
  }
  std::optional<std::string> read_chunk(const std::string& chunk, bool strict) {
    return sound(without_gil([&] { return engine_->read_chunk(chunk); }), strict).text;
  }

  std::unique_ptr<SafeChunkEngine> engine_;
  std::shared_ptr<Dispatcher> dispatcher_;
  std::uint32_t depth_limit_;
  std::unique_ptr<TextBuffer> spare_buffer_;  // guarded by the GIL; may be null
};

}  // namespace safechunk::python
