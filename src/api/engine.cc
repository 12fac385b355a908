// The public classes over EngineCore.

#include <safechunk/engine.hpp>

#include "api/encoding.h"
#include "api/engine_access.h"
#include "api/open.h"
#include "base/chunk_name.h"
#include "base/limits.h"
#include "engine/engine_core.h"
#include "json/format.h"
#include "json/pointer.h"
#include "json/scan.h"
#include "storage/files/project_layout.h"
#include "storage/project/location.h"
#include "storage/project/lock.h"

namespace safechunk {
namespace {

ChunkRead to_public(StoredText read) {
  return {std::move(read.text), std::move(read.older), std::move(read.revision)};
}

// Names the chunk, and its file where the error is about what is in that.
Status about(const EngineCore& core, std::string_view chunk, Status status) {
  if (status.ok()) return status;
  Error error = status.error();
  if (error.chunk.empty()) error.chunk = chunk;
  switch (error.code) {
    case ErrorCode::healed:
    case ErrorCode::invalid_edit:
    case ErrorCode::being_edited:
      if (error.path.empty()) error.path = core.path_of(error.chunk);
      break;
    default:
      break;
  }
  return error;
}

Status add_condition(Edits& edits, std::string_view chunk, const EditCondition& condition) {
  if (condition.if_revision && condition.if_absent) {
    return Status(ErrorCode::invalid_argument, "if_revision and if_absent exclude each other");
  }
  if (condition.if_absent) return edits.require(chunk, "");
  if (!condition.if_revision) return {};
  if (condition.if_revision->empty()) {
    return Status(ErrorCode::invalid_argument, "if_revision is empty; use if_absent");
  }
  return edits.require(chunk, *condition.if_revision);
}

// Stages what `edit` puts into the edits, under a condition.
template <typename Edit>
Status stage_under(EngineCore& core, std::string_view chunk, std::size_t expected_size,
                   const EditCondition& condition, Edit edit) {
  const auto edits = core.new_edits(expected_size);
  Status status = edit(*edits);
  if (status.ok()) status = add_condition(*edits, chunk, condition);
  return about(core, chunk, status.ok() ? core.stage(edits) : status);
}

Status stage_part(EngineCore& core, std::string_view chunk, const PartEdit& edit,
                  const EditCondition& condition) {
  return stage_under(core, chunk, edit.json_text.size(), condition,
                     [&](Edits& edits) { return edits.edit_part(chunk, edit); });
}

Result<StoredText> read_named(EngineCore& core, std::string_view chunk) {
  auto read = core.read_chunk(chunk);
  if (!read) return about(core, chunk, read.status());
  read->older = about(core, chunk, read->older);
  return read;
}

}  // namespace

// --- Transaction

struct Transaction::Impl {
  explicit Impl(std::shared_ptr<EngineCore> owner) : core(std::move(owner)) {}
  std::shared_ptr<EngineCore> core;
  std::shared_ptr<Edits> edits = core->new_edits(0);
  bool unsaved = false;  // an earlier unit is staged, and its commit failed
};

Transaction::Transaction(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Transaction::Transaction(Transaction&&) noexcept = default;
Transaction& Transaction::operator=(Transaction&&) noexcept = default;
Transaction::~Transaction() = default;

Status Transaction::stage(std::string_view json_text, std::string_view chunk) {
  return about(*impl_->core, chunk, put_text(*impl_->edits, json_text, chunk));
}

Status Transaction::remove(std::string_view chunk) {
  return about(*impl_->core, chunk, impl_->edits->remove(chunk));
}

Status Transaction::stage_value(std::string_view chunk, std::string_view pointer,
                                std::string_view json_text) {
  return about(*impl_->core, chunk,
               impl_->edits->edit_part(chunk, {PartEdit::Kind::set, pointer, json_text}));
}
Status Transaction::remove_value(std::string_view chunk, std::string_view pointer) {
  return about(*impl_->core, chunk,
               impl_->edits->edit_part(chunk, {PartEdit::Kind::remove, pointer, {}}));
}
Status Transaction::stage_merge(std::string_view chunk, std::string_view merge_patch) {
  return about(*impl_->core, chunk,
               impl_->edits->edit_part(chunk, {PartEdit::Kind::merge, {}, merge_patch}));
}
Status Transaction::stage_patch(std::string_view chunk, std::string_view patch) {
  return about(*impl_->core, chunk,
               impl_->edits->edit_part(chunk, {PartEdit::Kind::patch, {}, patch}));
}

Result<ChunkRead> Transaction::read(std::string_view chunk) {
  auto read = read_named(*impl_->core, chunk);
  if (!read) return read.status();
  if (Status status = impl_->edits->require(chunk, read->revision); !status) return status;
  return to_public(*std::move(read));
}

Status Transaction::require(std::string_view chunk, const EditCondition& condition) {
  return about(*impl_->core, chunk, add_condition(*impl_->edits, chunk, condition));
}

Status Transaction::commit() {
  if (!impl_->edits->empty()) {
    auto next = impl_->core->new_edits(0);
    if (Status status = impl_->core->stage_unit(impl_->edits); !status) return status;
    // Staged edits are shared, and never changed.
    impl_->edits = std::move(next);
    impl_->unsaved = true;
  }
  if (!impl_->unsaved) return {};
  Status status = impl_->core->commit_unit();
  impl_->unsaved = !status.ok();
  return status;
}

// --- SafeChunkEngine

SafeChunkEngine::SafeChunkEngine(std::shared_ptr<EngineCore> core) noexcept
    : core_(std::move(core)) {}

SafeChunkEngine::SafeChunkEngine(std::string project_id, EngineOptions options, CallSite where)
    : core_(make_engine_core(std::move(project_id), options, system_platform(), where)) {
  (void)core_->attach();  // status() reports the result
}

Result<SafeChunkEngine> SafeChunkEngine::open(std::string project_id, EngineOptions options,
                                              CallSite where) {
  return EngineAccess::open(std::move(project_id), std::move(options), system_platform(), where);
}

Result<SafeChunkEngine> SafeChunkEngine::open_file(std::string path, EngineOptions options,
                                                   CallSite where) {
  options.place = PlaceKind::file;
  return open(std::move(path), std::move(options), where);
}

Result<SafeChunkEngine> SafeChunkEngine::in_place(std::string folder, EngineOptions options,
                                                  CallSite where) {
  options.place = PlaceKind::in_place;
  return open(std::move(folder), std::move(options), where);
}

SafeChunkEngine EngineAccess::construct(std::string project_id, EngineOptions options,
                                        Platform platform) {
  auto core = make_engine_core(std::move(project_id), options, platform);
  (void)core->attach();  // status() reports the result
  return SafeChunkEngine(std::move(core));
}

Result<SafeChunkEngine> EngineAccess::open(std::string project_id, EngineOptions options,
                                           Platform platform, CallSite where) {
  const bool read_only = options.mode == Mode::read;
  auto core = make_engine_core(std::move(project_id), options, platform, where);
  Status status = read_only ? core->check_readable() : core->attach();
  if (!status) return status;
  return SafeChunkEngine(std::move(core));
}

SafeChunkEngine::SafeChunkEngine(SafeChunkEngine&&) noexcept = default;

SafeChunkEngine& SafeChunkEngine::operator=(SafeChunkEngine&& other) noexcept {
  if (this != &other) {
    SafeChunkEngine old(std::move(*this));
    core_ = std::move(other.core_);
  }
  return *this;
}

SafeChunkEngine::~SafeChunkEngine() {
  if (core_ == nullptr) return;
  if (core_->is_forked()) {
    // The locks inside may be held by threads that do not exist in this process.
    new std::shared_ptr<EngineCore>(std::move(core_));  // NOLINT: kept for ever by intent
    return;
  }
  try {
    core_->close();
  } catch (...) {  // NOLINT: only lack of memory; the journal has everything
  }
}

Status SafeChunkEngine::attach() {
  return core_->attach();
}
Status SafeChunkEngine::detach() {
  return core_->detach();
}
bool SafeChunkEngine::is_active() const {
  return core_->is_active();
}
bool SafeChunkEngine::is_dirty() const {
  return core_->is_dirty();
}
Status SafeChunkEngine::status() const {
  return core_->status();
}
std::optional<OwnerInfo> SafeChunkEngine::owner() const {
  return core_->owner();
}

Status SafeChunkEngine::stage_update(std::string_view json_text, std::string_view chunk) {
  return stage_update(json_text, chunk, EditCondition());
}

Status SafeChunkEngine::stage_update(std::string_view json_text, std::string_view chunk,
                                     const EditCondition& condition) {
  return stage_under(*core_, chunk, json_text.size(), condition,
                     [&](Edits& edits) { return put_text(edits, json_text, chunk); });
}

Status SafeChunkEngine::remove_chunk(std::string_view chunk) {
  return remove_chunk(chunk, EditCondition());
}

Status SafeChunkEngine::remove_chunk(std::string_view chunk, const EditCondition& condition) {
  auto edits = core_->new_edits(0);
  Status status = add_condition(*edits, chunk, condition);
  if (status.ok()) status = core_->remove_chunk(chunk, std::move(edits));
  return about(*core_, chunk, status);
}

Status SafeChunkEngine::stage_value(std::string_view chunk, std::string_view pointer,
                                    std::string_view json_text, const EditCondition& condition) {
  return stage_part(*core_, chunk, {PartEdit::Kind::set, pointer, json_text}, condition);
}
Status SafeChunkEngine::remove_value(std::string_view chunk, std::string_view pointer,
                                     const EditCondition& condition) {
  return stage_part(*core_, chunk, {PartEdit::Kind::remove, pointer, {}}, condition);
}
Status SafeChunkEngine::stage_merge(std::string_view chunk, std::string_view merge_patch,
                                    const EditCondition& condition) {
  return stage_part(*core_, chunk, {PartEdit::Kind::merge, {}, merge_patch}, condition);
}
Status SafeChunkEngine::stage_patch(std::string_view chunk, std::string_view patch,
                                    const EditCondition& condition) {
  return stage_part(*core_, chunk, {PartEdit::Kind::patch, {}, patch}, condition);
}

Status SafeChunkEngine::update(
    std::string_view chunk,
    const std::function<Result<std::string>(const ChunkRead& present)>& function) {
  return about(*core_, chunk,
               core_->update(chunk, [&](const StoredText& present, Edits& edits) -> Status {
                 const auto text = function(to_public(present));
                 return text ? put_text(edits, *text, chunk) : text.status();
               }));
}

Status SafeChunkEngine::update_by_patch(
    std::string_view chunk,
    const std::function<Result<std::string>(const ChunkRead& present)>& function) {
  return about(*core_, chunk,
               core_->update(chunk, [&](const StoredText& present, Edits& edits) -> Status {
                 const auto patch = function(to_public(present));
                 if (!patch) return patch.status();
                 if (*patch == "[]") return {};
                 if (!present.text) {  // a patch needs a chunk
                   const PartEdit empty_object{PartEdit::Kind::set, "", "{}"};
                   if (Status status = edits.edit_part(chunk, empty_object); !status) return status;
                 }
                 return edits.edit_part(chunk, {PartEdit::Kind::patch, {}, *patch});
               }));
}

Status SafeChunkEngine::update_or_remove(
    std::string_view chunk,
    const std::function<Result<ChunkUpdate>(const ChunkRead& present)>& function) {
  return about(*core_, chunk,
               core_->update(chunk, [&](const StoredText& present, Edits& edits) -> Status {
                 const auto wanted = function(to_public(present));
                 if (!wanted) return wanted.status();
                 switch (wanted->action) {
                   case ChunkUpdate::Action::put:
                     return put_text(edits, wanted->text, chunk);
                   case ChunkUpdate::Action::remove:
                     return present.text ? edits.remove(chunk) : Status();
                   default:
                     return {};
                 }
               }));
}

Transaction SafeChunkEngine::transaction() {
  return Transaction(std::make_unique<Transaction::Impl>(core_));
}

Status SafeChunkEngine::force_sync() {
  return core_->force_sync();
}

void SafeChunkEngine::set_debounce_delay(std::chrono::milliseconds delay) {
  core_->set_debounce_delay(delay);
}

Result<std::string> SafeChunkEngine::fetch_chunk(std::string_view chunk) {
  auto read = read_named(*core_, chunk);
  if (!read) return read.status();
  return read->text ? *std::move(read->text) : std::string("{}");
}

Status SafeChunkEngine::missing(std::string_view chunk) {
  Error error;
  error.code = ErrorCode::not_found;
  error.message = "there is no such chunk";
  error.chunk = chunk;
  return error;
}

Result<std::optional<std::string>> SafeChunkEngine::find_chunk(std::string_view chunk) {
  auto read = read_named(*core_, chunk);
  if (!read) return read.status();
  return std::move(read->text);
}

Result<ChunkRead> SafeChunkEngine::read_chunk(std::string_view chunk) {
  auto read = read_named(*core_, chunk);
  if (!read) return read.status();
  return to_public(*std::move(read));
}

Result<std::string> SafeChunkEngine::fetch_value(std::string_view chunk, std::string_view pointer) {
  // Before anything is read, also where there is no such chunk.
  const auto parsed = json::Pointer::parse(pointer);
  if (!parsed) return about(*core_, chunk, parsed.status());
  const auto read = read_named(*core_, chunk);
  if (!read) return read.status();
  if (!read->text) return missing(chunk);
  const auto value = json::value_at(*read->text, *parsed);
  if (!value) return about(*core_, chunk, value.status());
  return std::string(*value);
}

Result<ChunkRead> SafeChunkEngine::read_value(std::string_view chunk, std::string_view pointer) {
  const auto parsed = json::Pointer::parse(pointer);
  if (!parsed) return about(*core_, chunk, parsed.status());
  auto read = read_named(*core_, chunk);
  if (!read) return read.status();
  if (read->text) {
    const auto value = json::value_at(*read->text, *parsed);
    if (!value && value.code() != ErrorCode::not_found) return about(*core_, chunk, value.status());
    read->text = value ? std::optional(std::string(*value)) : std::nullopt;
  }
  return to_public(*std::move(read));
}

Result<std::vector<std::string>> SafeChunkEngine::list_chunks() {
  return core_->list_chunks();
}

Result<std::string> SafeChunkEngine::create_checkpoint(std::string_view label, int retention,
                                                       std::string_view notes,
                                                       const ProgressHandler& progress) {
  return core_->create_checkpoint({std::string(label), retention, std::string(notes), false},
                                  progress);
}
Result<std::string> SafeChunkEngine::create_checkpoint(const CheckpointOptions& options,
                                                       const ProgressHandler& progress) {
  return core_->create_checkpoint(options, progress);
}
Status SafeChunkEngine::export_archive(const std::string& file, const ExportOptions& options,
                                       const ProgressHandler& progress) {
  return core_->export_archive(file, options, progress);
}
Result<std::vector<CheckpointInfo>> SafeChunkEngine::list_checkpoints() {
  return core_->list_checkpoints();
}
Status SafeChunkEngine::verify_checkpoint(std::string_view file_name,
                                          const ProgressHandler& progress) {
  return core_->verify_checkpoint(file_name, progress);
}
Status SafeChunkEngine::restore_checkpoint(std::string_view file_name,
                                           const ProgressHandler& progress) {
  return core_->restore_checkpoint(file_name, progress);
}
Status SafeChunkEngine::delete_checkpoint(std::string_view file_name) {
  return core_->delete_checkpoint(file_name);
}

Result<HealthReport> SafeChunkEngine::health_report() {
  return core_->health_report();
}
RecoveryReport SafeChunkEngine::recovery_report() const {
  return core_->recovery_report();
}
Result<VerifyReport> SafeChunkEngine::verify(const ProgressHandler& progress) {
  return core_->verify(progress);
}
Status SafeChunkEngine::repair(const ProgressHandler& progress) {
  return core_->repair(progress);
}

void SafeChunkEngine::on_status(std::function<void(std::string_view)> handler) {
  core_->handlers().set_status(std::move(handler));
}
void SafeChunkEngine::on_sync(std::function<void()> handler) {
  core_->handlers().set_sync(std::move(handler));
}
void SafeChunkEngine::on_fault(std::function<void(const Error&)> handler) {
  core_->handlers().set_fault(std::move(handler));
}

void SafeChunkEngine::on_dirty(std::function<void(bool)> handler) {
  core_->on_dirty(std::move(handler));
}

Result<std::optional<EngineEvent>> SafeChunkEngine::next_event(std::chrono::milliseconds timeout) {
  return core_->next_event(timeout);
}
Result<int> SafeChunkEngine::event_descriptor() {
  return core_->event_descriptor();
}
void SafeChunkEngine::wake_events() {
  core_->wake_events();
}

Status SafeChunkEngine::on_change(ChangeHandler handler, const WatchOptions& options) {
  return core_->on_change(std::move(handler), options);
}

Result<ChangeWatch> SafeChunkEngine::watch(const WatchOptions& options) {
  auto source = core_->watch(options);
  if (!source) return source.status();
  return ChangeWatch(*std::move(source));
}

const std::string& SafeChunkEngine::project_id() const {
  return core_->project_id();
}
const std::string& SafeChunkEngine::project_path() const {
  return core_->project_path();
}

const std::string& SafeChunkEngine::file_chunk() const {
  return core_->only_chunk();
}

// --- free functions

std::string json_without_non_finite(std::string_view text) {
  return json::without_non_finite(text);
}

Result<std::string> json_value_at(std::string_view text, std::string_view pointer) {
  const auto parsed = json::Pointer::parse(pointer);
  if (!parsed) return parsed.status();
  // The options of the engine that gave the text are not known here, so the limit is the highest.
  Status valid = json::validate(text, {.depth_limit = limits::kDepth, .lenient = true});
  if (!valid) return valid;
  const auto value = json::value_at(text, *parsed);
  return value ? Result<std::string>(std::string(*value)) : value.status();
}

Status unlock_project(const std::string& project_id, const std::string& base_dir, bool force,
                      PlaceKind place) {
  const Platform platform = system_platform();
  auto root = open_root(platform.file_system, project_id, base_dir, place);
  if (!root) return root.status();
  return ProjectLock::remove_stale(**root, platform, force);
}

}  // namespace safechunk
