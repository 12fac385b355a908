// SafeChunkEngine: keeps an application's state as plain JSON files with the safety of a database.
//
// A project is one folder with at most one owner at a time. A chunk is one named JSON document,
// `chunks/NAME.json`. Edits are staged (in memory and in a journal, at memory speed), and committed
// to the files a moment later by a worker thread, or by force_sync().
//
// All promises are in docs/GUARANTEES.md. The three that matter most here:
//   after stage_update() returned ok, the update survives a crash of the process (G3);
//   after force_sync() returned ok, it survives a power cut (G1);
//   at every instant each file is a complete old or a complete new version, for any reader (G2).
//
// Threads: every member of one engine may be called from any thread at any time, except that
// moving or destroying it must not race with other calls. Callbacks run with no lock held, on the
// thread that did the work, and may call the engine.
// Fork: in a forked child the engine is inactive; it owns and releases nothing.
#pragma once

#include <chrono>
#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <safechunk/changes.hpp>
#include <safechunk/events.hpp>
#include <safechunk/export.hpp>
#include <safechunk/log.hpp>
#include <safechunk/options.hpp>
#include <safechunk/reports.hpp>
#include <safechunk/status.hpp>

namespace safechunk {

// How a C++ type becomes JSON text and back. Specialised by the adapter headers; specialise it to
// store types of your own without one:
//   static Result<std::string> to_text(const T& value);
//   static Result<T> from_text(std::string_view text);
//   static T when_missing();  // optional: what fetch_chunk() returns when there is no such chunk
template <typename T>
struct ChunkCodec;

template <typename T>
concept ChunkValue = requires(const T& value, std::string_view text) {
  { ChunkCodec<T>::to_text(value) } -> std::same_as<Result<std::string>>;
  { ChunkCodec<T>::from_text(text) } -> std::same_as<Result<T>>;
};

class EngineCore;
class SafeChunkEngine;

// What the function of update_or_remove() wants to become of a chunk.
struct ChunkUpdate {
  enum class Action { leave, put, remove };
  Action action = Action::leave;
  std::string text = {};  // of put: the chunk's new JSON text
};

// A chunk as read_chunk() gives it.
struct ChunkRead {
  std::optional<std::string> text;  // nothing: there is no such chunk
  // ok: the text is what was saved last. Else it is an older version, and this says why: healed
  // (the file was damaged), invalid_edit (somebody wrote text that is not JSON; the message says
  // where in it, and where it is kept) or being_edited (another program is writing the file).
  Status older;
  // Names the content: equal content has the same revision, in every language and store. Empty when
  // there is no such chunk. For EditCondition; the text means nothing else.
  std::string revision;
};

// A condition of an edit (G16). When it is not met the edit is refused with `conflict`, nothing is
// changed, and the message says what is there.
struct EditCondition {
  std::optional<std::string> if_revision = {};  // the chunk must be as it was when it was read
  bool if_absent = false;                       // there must be no such chunk
};

// Several edits that become visible together or not at all (G4). A transaction only collects edits
// before commit(); destroying it drops those that were not committed. It is for one thread at a
// time.
class SAFECHUNK_EXPORT Transaction {
 public:
  Transaction(Transaction&&) noexcept;
  Transaction& operator=(Transaction&&) noexcept;
  ~Transaction();

  // As SafeChunkEngine::stage_update and remove_chunk, checked at once, staged by commit().
  Status stage(std::string_view json_text, std::string_view chunk);
  template <ChunkValue T>
  Status stage(const T& value, std::string_view chunk) {
    auto text = ChunkCodec<T>::to_text(value);
    return text ? stage(std::string_view(*text), chunk) : text.status();
  }
  Status remove(std::string_view chunk);
  // As the functions of that name of the engine: applied to what the edits before them leave, in
  // order, by commit(), which is refused as a whole when one of them fails.
  Status stage_value(std::string_view chunk, std::string_view pointer, std::string_view json_text);
  Status remove_value(std::string_view chunk, std::string_view pointer);
  Status stage_merge(std::string_view chunk, std::string_view merge_patch);
  Status stage_patch(std::string_view chunk, std::string_view patch);

  // Reads a chunk as it is in the project, without the edits of this transaction; commit() is
  // refused with `conflict` when it has changed by then.
  Result<ChunkRead> read(std::string_view chunk);
  // commit() is refused unless the condition is met. Errors: invalid_name, invalid_argument.
  Status require(std::string_view chunk, const EditCondition& condition);

  // Stages all edits as one unit and commits them durably, like force_sync(). Then the transaction
  // is empty and may be used again. On not_owner, invalid_name, conflict (it names all conditions
  // that are not met, or the failed test of a patch) and what the edits of parts give
  // (SafeChunkEngine::stage_value) nothing was staged, and the transaction still has its edits and
  // conditions; make a new one to read anew. On any other error the unit is staged as a whole and
  // will be retried, also by the next commit(); locked: the project was lost or detached meanwhile.
  Status commit();

 private:
  friend class SafeChunkEngine;
  struct Impl;
  explicit Transaction(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

class SAFECHUNK_EXPORT SafeChunkEngine {
 public:
  // Opens `base_dir/project_id`, creates what is missing, takes the lock, recovers, and starts the
  // worker. Does not throw when the project cannot be owned: then the engine is inactive, status()
  // says why, owner() says who owns the project, and reading still works.
  // Cost: independent of the bytes stored; a listing of chunks/ and chunks_bak/, a few fsyncs.
  // `where` is for the message that a second engine of this process gets.
  explicit SafeChunkEngine(std::string project_id, EngineOptions options = {},
                           CallSite where = CallSite::here());

  // The same, but returns the error: locked, invalid_name, permission_denied, read_only,
  // unsupported_format, no_space, io_error; not_found with Mode::read and no project there.
  static Result<SafeChunkEngine> open(std::string project_id, EngineOptions options = {},
                                      CallSite where = CallSite::here());

  // The same for files that stay where the application has them (PlaceKind): the one file at
  // `path`, which need not be there yet, or an existing folder of JSON files. A relative path
  // begins at options.base_dir. More errors: not_found when the folder is missing, or a link leads
  // to nothing; invalid_json, with the position, when the file of a new place is no JSON;
  // unsupported_format for the folder of a project, or of another engine; conflict for a file in a
  // folder that is a place of its own; locked also for a folder of which a file is one, and open.
  // The file's chunk is file_chunk(). Logs are for folders. Each stage_update() reads the chunk.
  static Result<SafeChunkEngine> open_file(std::string path, EngineOptions options = {},
                                           CallSite where = CallSite::here());
  static Result<SafeChunkEngine> in_place(std::string folder, EngineOptions options = {},
                                          CallSite where = CallSite::here());

  // A moved-from engine may only be destroyed or assigned to.
  SafeChunkEngine(SafeChunkEngine&&) noexcept;
  SafeChunkEngine& operator=(SafeChunkEngine&&) noexcept;
  // Like detach(), but reports what could not be saved to on_fault only. Never throws.
  ~SafeChunkEngine();

  // --- lifecycle

  // Takes the project (again). ok when it is owned already. Errors as open().
  Status attach();
  // Refuses new edits, commits what is staged, stops the worker, removes the journal and the lock.
  // ok when already detached. The error says what could not be saved; that data stays in the
  // journal and is committed by the next attach. The project is released in every case.
  Status detach();
  [[nodiscard]] bool is_active() const;
  // Why the engine is not active; ok when it is, or after a detach() that saved everything.
  [[nodiscard]] Status status() const;
  // Whether something is staged and not yet committed. Reads memory only.
  [[nodiscard]] bool is_dirty() const;
  // The owner of the project: this engine, or the other one because of which attach() failed.
  [[nodiscard]] std::optional<OwnerInfo> owner() const;

  // --- writing

  // Checks and copies `json_text`, appends it to the journal and returns: the caller may change or
  // free its data at once. It is committed after debounce_delay, or max_delay at the latest.
  // Errors that leave everything as it was: invalid_name, invalid_json and too_deep (with
  // position), too_large, not_owner. Any other error (no_space, io_error, ...) means that the
  // update is staged in memory and will be committed and retried, but is not in the journal, so
  // that a crash of the process before the next successful commit would lose it. Cost: O(bytes);
  // one write to the page cache; no fsync. The first touch of a chunk also reads its stamp.
  Status stage_update(std::string_view json_text, std::string_view chunk);
  template <ChunkValue T>
  Status stage_update(const T& value, std::string_view chunk) {
    auto text = ChunkCodec<T>::to_text(value);
    return text ? stage_update(std::string_view(*text), chunk) : text.status();
  }

  // The same under a condition: conflict when it is not met. Costs a look at the file that the
  // condition is about, and a read of it when another program has changed it.
  Status stage_update(std::string_view json_text, std::string_view chunk,
                      const EditCondition& condition);

  // Stages the removal of a chunk and of its backup. not_found when there is no such chunk;
  // other errors as stage_update.
  Status remove_chunk(std::string_view chunk);
  Status remove_chunk(std::string_view chunk, const EditCondition& condition);

  // --- writing parts of a chunk
  //
  // Outside of the edited values every byte of the file stays: how numbers are written, the order
  // of members, repeated names, indentation. `pointer` is a JSON Pointer (RFC 6901):
  // "/users/0/name". The journal takes the edit, and not the whole text. A chunk that is not there
  // counts as {}.
  //
  // Errors that leave everything as it was, beside those of stage_update(): invalid_argument (no
  // pointer, an index that is none, an object on the way that has the member twice), not_found
  // (the pointer leads nowhere), conflict (a condition, or a test of a patch), being_edited
  // (another program is writing the file), lost, healed (the file was damaged, and an older version
  // has taken its place: look at it, and edit again). When the file cannot be read: the error of
  // the system. Cost: one copy of the text in memory, and reading it from its file when no edit of
  // it is staged.

  // Sets one value; a missing member is added at the end of its object, and objects that are
  // missing on the way are made. '-' as the last part of the pointer appends to an array.
  Status stage_value(std::string_view chunk, std::string_view pointer, std::string_view json_text,
                     const EditCondition& condition = {});
  template <ChunkValue T>
  Status stage_value(std::string_view chunk, std::string_view pointer, const T& value,
                     const EditCondition& condition = {}) {
    auto text = ChunkCodec<T>::to_text(value);
    return text ? stage_value(chunk, pointer, std::string_view(*text), condition) : text.status();
  }
  // Removes one member or element. not_found when there is none.
  Status remove_value(std::string_view chunk, std::string_view pointer,
                      const EditCondition& condition = {});
  // A JSON Merge Patch (RFC 7396): members are replaced, null removes them.
  Status stage_merge(std::string_view chunk, std::string_view merge_patch,
                     const EditCondition& condition = {});
  // A JSON Patch (RFC 6902): all operations or none. not_found when there is no such chunk.
  Status stage_patch(std::string_view chunk, std::string_view patch,
                     const EditCondition& condition = {});

  // Calls `function` with the chunk as it is now, and stages the text that it returns; nothing
  // comes between. An error of the function is returned, and nothing is staged. Updates wait for
  // each other; when another edit comes between, the function is called again with what is there
  // then, up to 20 times, and then the result is conflict. It must not edit the same chunk itself.
  Status update(std::string_view chunk,
                const std::function<Result<std::string>(const ChunkRead& present)>& function);
  // The same with a value of type T, which is a default T when there is no such chunk.
  template <ChunkValue T>
  Status update(std::string_view chunk, const std::function<void(T& value)>& function) {
    return update(chunk, [&](const ChunkRead& present) -> Result<std::string> {
      T value{};
      if (present.text) {
        auto read = ChunkCodec<T>::from_text(*present.text);
        if (!read) return read.status();
        value = *std::move(read);
      }
      function(value);
      return ChunkCodec<T>::to_text(value);
    });
  }
  // As the first update(), but the function returns a JSON Patch of the present text, so that every
  // byte outside of the edited values stays. A chunk that is not there counts as {}; "[]" stages
  // nothing.
  Status update_by_patch(
      std::string_view chunk,
      const std::function<Result<std::string>(const ChunkRead& present)>& function);

  // As the first update(), but the function may also leave the chunk as it is, in which case
  // nothing is staged, or remove it. Removing a chunk that is not there leaves everything as it is.
  Status update_or_remove(
      std::string_view chunk,
      const std::function<Result<ChunkUpdate>(const ChunkRead& present)>& function);

  // A new, empty transaction. It must not outlive the engine.
  [[nodiscard]] Transaction transaction();

  // Commits everything staged and returns when it is durable as Durability says. Calls that arrive
  // while one runs share the next one. On error the chunks that failed stay staged and journaled,
  // the others are saved, and the worker retries with back-off; the first error is returned.
  // not_owner when inactive.
  Status force_sync();

  // Another debounce_delay for edits from now on; below 0 it is 0. max_delay is raised to it when
  // it is smaller, as when the engine is constructed.
  void set_debounce_delay(std::chrono::milliseconds delay);

  // --- reading

  // The chunk's JSON text: what is staged, else what is on disk, validated, and healed by the
  // newest good version when it is damaged. "{}" when there is no such chunk, also when its file
  // was removed. lost when it is damaged and no good version is left (the bytes are in quarantine);
  // permission_denied or io_error when it cannot be read: unreadable is not damaged, and nothing is
  // healed over it. A file that another program is writing is left alone; meanwhile the last good
  // version is given. on_fault hears of every older version that is given; read_chunk() tells in
  // its result. The result is the caller's own copy. Text that the original Python engine left may
  // hold NaN and Infinity. A non-owner reads what is committed and changes nothing on disk.
  Result<std::string> fetch_chunk(std::string_view chunk);
  // The same as a value of type T. When there is no such chunk the result is a default T, so that
  // the first start of an application needs no special case: fetch_chunk<Settings>("settings")
  // returns Settings(). Two exceptions: a codec may name another value (that of nlohmann::json is
  // {}, as above), and for a T without a default constructor the result is not_found. Use
  // find_chunk() to tell a missing chunk from one with default values. invalid_json when the text
  // does not fit T.
  template <ChunkValue T>
  Result<T> fetch_chunk(std::string_view chunk) {
    auto found = find_chunk<T>(chunk);
    if (!found) return found.status();
    if (*found) return **std::move(found);
    if constexpr (requires { ChunkCodec<T>::when_missing(); }) {
      return ChunkCodec<T>::when_missing();
    } else if constexpr (std::default_initializable<T>) {
      return T();
    } else {
      return missing(chunk);
    }
  }

  // The JSON text of one value. not_found when there is no such chunk or value; invalid_argument as
  // stage_value(); other errors as fetch_chunk(). Cost: that of fetch_chunk().
  Result<std::string> fetch_value(std::string_view chunk, std::string_view pointer);
  template <ChunkValue T>
  Result<T> fetch_value(std::string_view chunk, std::string_view pointer) {
    auto text = fetch_value(chunk, pointer);
    return text ? ChunkCodec<T>::from_text(*text) : Result<T>(text.status());
  }

  // The same with what read_chunk() tells; no text when there is no such chunk or value. The
  // revision is that of the whole chunk.
  Result<ChunkRead> read_value(std::string_view chunk, std::string_view pointer);

  // As fetch_chunk(), but the result is an empty optional when there is no such chunk.
  Result<std::optional<std::string>> find_chunk(std::string_view chunk);
  // The same, and whether the text is what was saved last: see ChunkRead.
  Result<ChunkRead> read_chunk(std::string_view chunk);
  template <ChunkValue T>
  Result<std::optional<T>> find_chunk(std::string_view chunk) {
    auto text = find_chunk(chunk);
    if (!text) return text.status();
    if (!*text) return std::optional<T>();
    auto value = ChunkCodec<T>::from_text(**text);
    if (!value) return value.status();
    return std::optional<T>(*std::move(value));
  }

  // Names of all chunks, sorted, as this engine's reads would find them.
  Result<std::vector<std::string>> list_chunks();

  // --- checkpoints

  // Commits, then writes all chunks and backups of that moment into
  // `checkpoints/checkpoint_LABEL_YYYYMMDD_HHMMSS.zip`, verifies it, and only then gives it that
  // name. Returns the file name.
  //
  // Checkpoints are numbered: the newest is the one with the largest number, whatever the clock
  // said. Afterwards the newest `retention` stay, this one included, and the others are removed.
  // Pinned checkpoints and those that restores have made are neither counted nor removed; of the
  // latter the newest 10 stay. Each removal is a status. One that fails is a fault, and not an
  // error here.
  //
  // A chunk that is damaged beyond healing, cannot be read or is too large is left out of the
  // archive, which names it; one that another program is writing is archived in its newest good
  // version. Both are faults that name the chunk.
  //
  // With Mode::read the archive has what is committed at one moment, and of an owner that is gone
  // also what waits in its journal. It needs no lock, holds up nobody, has no backups in it, and
  // removes no older checkpoints: the owner does that with its next one. Damaged chunks are not
  // healed.
  //
  // Errors: invalid_name (label), invalid_argument (retention < 1, notes too long or not UTF-8),
  // those of force_sync(), those of the disk, cancelled; with Mode::read locked, when the project
  // changes faster than it can be read. After an error there is no new checkpoint, unless the
  // message says that it stays.
  // Cost: reads and compresses everything, two fsyncs; with Mode::read a copy of everything in a
  // file without a name as well.
  Result<std::string> create_checkpoint(std::string_view label = "manual", int retention = 10,
                                        std::string_view notes = "",
                                        const ProgressHandler& progress = nullptr);
  // The same with everything that can be set.
  Result<std::string> create_checkpoint(const CheckpointOptions& options,
                                        const ProgressHandler& progress = nullptr);
  // The same as one file outside of the project, for backups, and for other machines. `file`: its
  // path; a relative one begins at the working folder of the process. Nothing is overwritten. The
  // file gets its name when it is verified and durable. An engine that owns the project commits
  // first. Every other one, also one that could not be opened because another process has the
  // project, is treated as with Mode::read above, and changes nothing in the project; with
  // Mode::shared the turns of other processes go on. restore_checkpoint() takes such a file into
  // any project that is there.
  //
  // The umask and EngineOptions::file_mode decide who can read the file, not the modes of the
  // chunks. Errors: conflict (something has the name), invalid_name (label; or no file name at the
  // end of the path), not_found (no such folder), and those of create_checkpoint(). After an error
  // there is no file, unless the message says that it stays. When the process is killed, a file
  // archive.NUMBER.TOKEN.tmp may stay in the folder of `file`.
  Status export_archive(const std::string& file, const ExportOptions& options = {},
                        const ProgressHandler& progress = nullptr);
  // Newest first. Files that are not checkpoints of this engine are left out.
  Result<std::vector<CheckpointInfo>> list_checkpoints();
  // Reads every entry and compares checksums. corrupt, too_large or unsupported_format when the
  // archive must not be restored. Here and in restore_checkpoint() a name that has a slash is the
  // path of an archive, which may lie anywhere: "./backup.zip".
  Status verify_checkpoint(std::string_view file_name, const ProgressHandler& progress = nullptr);
  // Verifies the whole archive, makes the safety checkpoint `before_restore`, then replaces all
  // chunks by those of the archive in one atomic, durable commit. Updates that other threads stage
  // meanwhile wait from the safety checkpoint on, and come after the restore. Chunks that the
  // archive names as left out stay as they are. A chunk that cannot be read now refuses the
  // restore. On error nothing was changed, unless the message says that the restore is staged and
  // will be retried.
  Status restore_checkpoint(std::string_view file_name, const ProgressHandler& progress = nullptr);
  Status delete_checkpoint(std::string_view file_name);

  // --- health and events

  Result<HealthReport> health_report();
  // The recovery of the last successful attach().
  [[nodiscard]] RecoveryReport recovery_report() const;
  // Reads everything and judges every file; changes nothing. The owner's staged edits are not seen.
  Result<VerifyReport> verify(const ProgressHandler& progress = nullptr);
  // Heals all that can be healed, as fetch_chunk would, and quarantines the rest. Files that are
  // JSON and have no stamp that fits, because another program wrote or copied them, get one: from
  // then on damage to them can be told from an edit. The first error is returned after everything
  // was tried.
  Status repair(const ProgressHandler& progress = nullptr);

  // Handlers. An empty function removes one. What a function holds is destroyed when no call of it
  // runs any more: with no lock held, and when the engine is destroyed at the latest. Exceptions
  // that they throw are contained and reported in health. Faults met before on_fault was set are
  // delivered when it is set, on that thread.
  void on_status(std::function<void(std::string_view text)> handler);
  void on_sync(std::function<void()> handler);
  void on_fault(std::function<void(const Error& error)> handler);
  // Called with true when something is staged that was not before, and with false when everything
  // was committed, or the engine was detached; with true at once, on that thread, when something is
  // staged already. One call at a time, and the last one is right. States that change back before
  // the handler could be called are left out.
  void on_dirty(std::function<void(bool dirty)> handler);

  // The same for a thread that asks, when no handler fits: those run on the engine's threads, and
  // detach() waits for them. Events are kept from the first call of one of these on, and so are the
  // faults met before for which there was no on_fault. At most 1,000 are kept. Then statuses and
  // syncs are dropped first, the oldest before the others, and the next event says how many. Any
  // thread; also when nothing is attached. Errors: io_error (no descriptor left), not_owner in a
  // forked child.

  // The oldest event. Nothing after `timeout`, or after wake_events().
  Result<std::optional<EngineEvent>> next_event(std::chrono::milliseconds timeout);
  // For poll(2) and the like: when it is readable, call next_event() with a timeout of 0 until it
  // gives nothing. It belongs to the engine.
  Result<int> event_descriptor();
  // Ends the next_event() that runs, or the next one.
  void wake_events();

  // --- logs

  // The log of this name: one JSON value a line, `chunks/NAME.jsonl`. Looks at nothing yet; calls
  // with a name that is not allowed give invalid_name.
  [[nodiscard]] Log log(std::string_view name);
  // All logs, the rotated ones included, sorted by name.
  Result<std::vector<LogInfo>> list_logs();

  // --- changes
  //
  // Whoever makes them: this engine, another process, a person. An edit by another program is told
  // once, when its file is whole and JSON; text that is not JSON is told to on_fault by the owner.
  // Commits have numbers from the first watch of an engine that may write on: the file `.changes`
  // keeps about the last 5,000 of them. Errors: not_found when there is no project, unavailable for
  // Delivery::every and `since` where nothing counts commits and this engine only reads.

  // Calls `handler` for each change, on a thread that does nothing else; it may use the engine. An
  // empty one ends that, and waits for the call that runs, unless it is made there. What it throws
  // becomes a fault. Cost of the start: a look at the stamp of each chunk.
  Status on_change(ChangeHandler handler, const WatchOptions& options = {});
  // The same for a thread that asks for changes itself.
  Result<ChangeWatch> watch(const WatchOptions& options = {});

  [[nodiscard]] const std::string& project_id() const;
  [[nodiscard]] const std::string& project_path() const;  // absolute
  // The name of the only chunk of a file that open_file() opened: that of the file without ".json",
  // its whole name with another ending, and "file" where no chunk can be called so. Else empty.
  [[nodiscard]] const std::string& file_chunk() const;

 private:
  friend struct EngineAccess;
  static Status missing(std::string_view chunk);  // not_found
  explicit SafeChunkEngine(std::shared_ptr<EngineCore> core) noexcept;
  std::shared_ptr<EngineCore> core_;
};

// `text` with bare NaN, Infinity and -Infinity, which the original Python engine wrote, replaced by
// null, for parsers that refuse them.
SAFECHUNK_EXPORT std::string json_without_non_finite(std::string_view text);

// The JSON text of the value that `pointer` names in `text`. It is meant for the text that
// read_chunk() gave, when the revision is needed beside the value; any other text is allowed, too,
// because the text is checked first. Errors: invalid_json and too_deep (more than 1,000,000 levels)
// with the position; not_found and invalid_argument as fetch_value(). Cost: reads the whole text.
SAFECHUNK_EXPORT Result<std::string> json_value_at(std::string_view text, std::string_view pointer);

// Removes the lock file of a project that nobody holds. ok when there was none. locked when a live
// engine holds it; with `force` a lock text of the original engine (which has no kernel lock) is
// removed even when its process seems alive, but never a lock that the kernel says is held.
SAFECHUNK_EXPORT Status unlock_project(const std::string& project_id, const std::string& base_dir,
                                       bool force = false, PlaceKind place = PlaceKind::project);

}  // namespace safechunk
