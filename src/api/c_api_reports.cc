// The C interface: lists and reports, checkpoints, health.

#include <cstring>

#include "api/c_api_support.h"

using namespace safechunk;         // NOLINT: this file is the other face of that namespace
using namespace safechunk::c_api;  // NOLINT

namespace {

template <typename Item>
void clear(Item*** list, size_t* count) {
  if (list != nullptr) *list = nullptr;
  if (count != nullptr) *count = 0;
}

Status too_small() {
  return Status(ErrorCode::invalid_argument, "the size of a structure is too small");
}

}  // namespace

extern "C" {

safechunk_code safechunk_get_owner(const safechunk_engine* engine, safechunk_owner* owner,
                                   safechunk_error* error) {
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine, owner}); !status) return status;
    const auto found = to_cpp(engine)->owner();
    if (!found) return Status(ErrorCode::not_found, "no owner is known");
    safechunk_owner copy{};
    copy.pid = found->pid;
    copy.process_started = found->process_started;
    copy.since = found->since;
    copy_text(found->host, copy.host);
    copy_text(found->boot_id, copy.boot_id);
    return copy_out(copy, owner) ? Status() : too_small();
  });
}

safechunk_code safechunk_list_chunks(safechunk_engine* engine, char*** names, size_t* count,
                                     safechunk_error* error) {
  clear(names, count);
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine, names, count}); !status) return status;
    const auto chunks = to_cpp(engine)->list_chunks();
    if (!chunks) return chunks.status();
    *names = give_names(*chunks);
    *count = chunks->size();
    return {};
  });
}

// --- checkpoints

safechunk_code safechunk_create_checkpoint_n(safechunk_engine* engine, const char* label,
                                             size_t label_size, int32_t retention,
                                             const char* notes, size_t notes_size, char** file_name,
                                             safechunk_error* error,
                                             safechunk_progress_handler progress, void* user_data) {
  if (file_name != nullptr) *file_name = nullptr;
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine, label}); !status) return status;
    auto name = to_cpp(engine)->create_checkpoint(name_of(label, label_size), retention,
                                                  name_of(notes, notes_size),
                                                  to_handler(progress, user_data));
    if (name && file_name != nullptr) *file_name = give_text(*name);
    return name.status();
  });
}

safechunk_code safechunk_checkpoint_options_init(safechunk_checkpoint_options* options,
                                                 size_t size) {
  if (options == nullptr || size < sizeof *options) return SAFECHUNK_INVALID_ARGUMENT;
  std::memset(options, 0, size);
  options->size = size;
  options->label = "manual";
  options->notes = "";
  options->retention = CheckpointOptions().retention;
  return SAFECHUNK_OK;
}

safechunk_code safechunk_create_checkpoint_with(safechunk_engine* engine,
                                                const safechunk_checkpoint_options* options,
                                                char** file_name, safechunk_error* error,
                                                safechunk_progress_handler progress,
                                                void* user_data) {
  if (file_name != nullptr) *file_name = nullptr;
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine}); !status) return status;
    CheckpointOptions settings;
    if (options != nullptr) {
      if (options->size < sizeof *options) {
        return Status(ErrorCode::invalid_argument, "options.size is too small");
      }
      if (!knows_all_of(*options)) {
        return Status(ErrorCode::invalid_argument,
                      "options has fields that this version does not know");
      }
      if (Status status = check_pointers({options->label}); !status) return status;
      settings.label = options->label;
      settings.notes = options->notes == nullptr ? "" : options->notes;
      settings.retention = options->retention;
      settings.keep = options->keep != 0;
    }
    auto name = to_cpp(engine)->create_checkpoint(settings, to_handler(progress, user_data));
    if (name && file_name != nullptr) *file_name = give_text(*name);
    return name.status();
  });
}

safechunk_code safechunk_export_archive_n(safechunk_engine* engine, const char* file,
                                          size_t file_size, const char* label, size_t label_size,
                                          const char* notes, size_t notes_size,
                                          safechunk_error* error,
                                          safechunk_progress_handler progress, void* user_data) {
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine, file}); !status) return status;
    ExportOptions options;
    if (label != nullptr) options.label = name_of(label, label_size);
    options.notes = name_of(notes, notes_size);
    return to_cpp(engine)->export_archive(std::string(name_of(file, file_size)), options,
                                          to_handler(progress, user_data));
  });
}

safechunk_code safechunk_list_checkpoints(safechunk_engine* engine, safechunk_checkpoint*** list,
                                          size_t* count, safechunk_error* error) {
  clear(list, count);
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine, list, count}); !status) return status;
    const auto found = to_cpp(engine)->list_checkpoints();
    if (!found) return found.status();
    ItemList<safechunk_checkpoint> items(found->size());
    for (const CheckpointInfo& info : *found) {
      safechunk_checkpoint item{};
      item.size = sizeof item;
      item.file_size = info.size;
      item.number = info.number;
      item.keep = info.keep ? 1 : 0;
      item.unix_time = info.unix_time;
      items.add(item,
                {&safechunk_checkpoint::file_name, &safechunk_checkpoint::label,
                 &safechunk_checkpoint::date, &safechunk_checkpoint::notes},
                {info.file_name, info.label, info.date, info.notes});
    }
    *list = items.give();
    *count = found->size();
    return {};
  });
}

safechunk_code safechunk_verify_checkpoint_n(safechunk_engine* engine, const char* file_name,
                                             size_t file_name_size, safechunk_error* error,
                                             safechunk_progress_handler progress, void* user_data) {
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine, file_name}); !status) return status;
    return to_cpp(engine)->verify_checkpoint(name_of(file_name, file_name_size),
                                             to_handler(progress, user_data));
  });
}

safechunk_code safechunk_restore_checkpoint_n(safechunk_engine* engine, const char* file_name,
                                              size_t file_name_size, safechunk_error* error,
                                              safechunk_progress_handler progress,
                                              void* user_data) {
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine, file_name}); !status) return status;
    return to_cpp(engine)->restore_checkpoint(name_of(file_name, file_name_size),
                                              to_handler(progress, user_data));
  });
}

safechunk_code safechunk_delete_checkpoint_n(safechunk_engine* engine, const char* file_name,
                                             size_t file_name_size, safechunk_error* error) {
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine, file_name}); !status) return status;
    return to_cpp(engine)->delete_checkpoint(name_of(file_name, file_name_size));
  });
}

// --- health

safechunk_code safechunk_health_report(safechunk_engine* engine, safechunk_health* health,
                                       safechunk_error* error) {
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine, health}); !status) return status;
    const auto report = to_cpp(engine)->health_report();
    if (!report) return report.status();
    safechunk_health copy{};
    copy.engine_active = report->engine_active ? 1 : 0;
    copy.dirty_buffer = report->dirty_buffer ? 1 : 0;
    copy.storage_usage = report->storage_usage;
    copy.orphaned_artifacts = report->orphaned_artifacts;
    copy.shards = report->shards;
    copy.pending_chunks = report->pending_chunks;
    copy.last_sync_unix_time = report->last_sync_unix_time;
    copy.last_sync_duration_ms = report->last_sync_duration_ms;
    copy.failed_commits = report->failed_commits;
    copy.retries = report->retries;
    copy.heals = report->heals;
    copy.quarantine_files = report->quarantine_files;
    copy.journal_bytes = report->journal_bytes;
    copy.bytes_written = report->bytes_written;
    copy.stamps_supported = report->stamps_supported ? 1 : 0;
    copy.has_owner = report->owner ? 1 : 0;
    if (report->owner) {
      copy.owner_pid = report->owner->pid;
      copy.owner_since = report->owner->since;
      copy_text(report->owner->host, copy.owner_host);
    }
    copy_text(report->last_error, copy.last_error);
    for (const std::string& what : report->weakened) {
      copy.weakened |= what == "locks" ? SAFECHUNK_WEAKENED_LOCKS : SAFECHUNK_WEAKENED_FOLDERS;
    }
    const bool copied = copy_out(copy, health, offsetof(safechunk_health, weakened));
    return copied ? Status() : too_small();
  });
}

safechunk_code safechunk_recovery_report(const safechunk_engine* engine, safechunk_event*** list,
                                         size_t* count, int* clean, safechunk_error* error) {
  clear(list, count);
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine, list, count}); !status) return status;
    const RecoveryReport report = to_cpp(engine)->recovery_report();
    ItemList<safechunk_event> items(report.events.size());
    for (const Event& event : report.events) {
      safechunk_event item{};
      item.size = sizeof item;
      item.kind = static_cast<int32_t>(event.kind);
      item.older = event.older ? 1 : 0;
      items.add(item,
                {&safechunk_event::name, &safechunk_event::chunk, &safechunk_event::detail,
                 &safechunk_event::path},
                {to_string(event.kind), event.chunk, event.detail, event.path});
    }
    *list = items.give();
    *count = report.events.size();
    if (clean != nullptr) *clean = report.clean ? 1 : 0;
    return {};
  });
}

safechunk_code safechunk_verify(safechunk_engine* engine, safechunk_verdict*** list, size_t* count,
                                int* sound, safechunk_error* error,
                                safechunk_progress_handler progress, void* user_data) {
  clear(list, count);
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine, list, count}); !status) return status;
    const auto report = to_cpp(engine)->verify(to_handler(progress, user_data));
    if (!report) return report.status();
    ItemList<safechunk_verdict> items(report->files.size());
    for (const FileVerdict& verdict : report->files) {
      safechunk_verdict item{};
      item.size = sizeof item;
      item.state = static_cast<int32_t>(verdict.state);
      items.add(item,
                {&safechunk_verdict::name, &safechunk_verdict::path, &safechunk_verdict::detail},
                {to_string(verdict.state), verdict.path, verdict.detail});
    }
    *list = items.give();
    *count = report->files.size();
    if (sound != nullptr) *sound = report->sound() ? 1 : 0;
    return {};
  });
}

safechunk_code safechunk_repair(safechunk_engine* engine, safechunk_error* error,
                                safechunk_progress_handler progress, void* user_data) {
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine}); !status) return status;
    return to_cpp(engine)->repair(to_handler(progress, user_data));
  });
}

}  // extern "C"
