#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>

#include "../file_commands.h"
#include "../private_file.h"
#include "../process.h"
#include "../saving.h"

namespace safechunk::cli {
namespace {

// What is edited, and the condition that it is still so when it is saved.
struct Original {
  std::string text;
  EditCondition condition;
};

// The project is open for this moment only.
Result<Original> read_original(const Context& context, const std::string& chunk,
                               const std::optional<std::string>& pointer) {
  auto engine = open_for_reading(context);
  if (!engine) return engine.status();
  auto found = engine->read_chunk(chunk);
  if (!found) return found.status();
  if (!found->older.ok() && found->older.code() != ErrorCode::healed) return found->older;
  Original original;
  if (!found->text) {
    original.condition.if_absent = true;
  } else {
    original.condition.if_revision = found->revision;
  }
  const std::string text = found->text ? *found->text : "{}\n";
  if (!pointer) {
    original.text = text;
    return original;
  }
  auto value = json_value_at(text, *pointer);
  if (!value) {
    Error error = value.status().error();
    error.chunk = chunk;
    return Status(error);
  }
  original.text = *value + "\n";
  return original;
}

std::string editor() {
  for (const char* name : {"VISUAL", "EDITOR"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return value;
  }
  return "vi";
}

// Ctrl-C and Ctrl-\ are for the editor, as long as this lives.
class LeaveKeysToEditor {
 public:
  LeaveKeysToEditor() {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    sigemptyset(&ignore.sa_mask);
    sigemptyset(&defaults_);
    for (Kept& kept : kept_) {
      // Fails only for numbers that are no signals.
      (void)::sigaction(kept.number, &ignore, &kept.before);
      if (kept.before.sa_handler != SIG_IGN) sigaddset(&defaults_, kept.number);
    }
  }
  LeaveKeysToEditor(const LeaveKeysToEditor&) = delete;
  LeaveKeysToEditor& operator=(const LeaveKeysToEditor&) = delete;
  ~LeaveKeysToEditor() {
    for (const Kept& kept : kept_) (void)::sigaction(kept.number, &kept.before, nullptr);
  }

  // What the editor gets back.
  [[nodiscard]] const sigset_t& defaults() const { return defaults_; }

 private:
  struct Kept {
    int number;
    struct sigaction before;
  };
  Kept kept_[2] = {{SIGINT, {}}, {SIGQUIT, {}}};
  sigset_t defaults_;
};

// The variable may hold arguments and quotes ("code --wait"), so that a shell reads it. The shell
// catches Ctrl-C only to wait for the editor, which handles it.
Status run_editor(const std::string& path) {
  const std::string program = editor();
  const std::string script = "trap : INT QUIT; " + program + " \"$@\"";
  const LeaveKeysToEditor keys;
  const auto child =
      start_program({"/bin/sh", "-c", script, program, path}, -1, -1, keys.defaults());
  if (!child) return child.status();
  int wait_status = 0;
  pid_t ended = 0;
  do {
    ended = ::waitpid(*child, &wait_status, 0);
  } while (ended < 0 && errno == EINTR);
  if (ended < 0) return {ErrorCode::io_error, "cannot wait for the editor '" + program + "'"};
  return judge_end("the editor '" + program + "'", wait_status);
}

Error with_words(const Status& status, const std::string& words) {
  Error error = status.error();
  error.message += words;
  return error;
}

// One command, from the text that is there to that which is saved.
class Editing {
 public:
  Editing(const Context& context, std::string chunk, std::optional<std::string> pointer,
          Original original, PrivateFile file)
      : context_(context),
        chunk_(std::move(chunk)),
        pointer_(std::move(pointer)),
        original_(std::move(original)),
        file_(std::move(file)) {}

  int run() {
    for (;;) {
      const Status edited = run_editor(file_.path());
      const auto text = file_.read();
      if (!text) return fail(context_, edited.ok() ? text.status() : edited);
      const bool is_changed = *text != original_.text;
      if (!edited.ok() && is_changed) return fail_and_keep(edited);
      if (!is_changed) return leave_unchanged(edited);
      const Status checked = check_update(*text, chunk_);
      if (checked.ok()) return save_text(*text);
      if (!may_ask(context_)) return fail_and_keep(checked);
      (void)fail(context_, checked);
      if (says_yes("Edit again?", true)) continue;
      std::cerr << "safechunk: nothing is changed" << kept() << "\n";
      return kFailed;
    }
  }

 private:
  int leave_unchanged(const Status& edited) {
    file_.remove();
    if (!edited.ok()) return fail(context_, edited);
    if (context_.json) {
      print({{"chunk", chunk_}, {"saved", false}, {"state", state_of_faults(context_)}});
    } else {
      std::cerr << "safechunk: '" << printable(chunk_) << "' is not changed\n";
    }
    return code_of_faults(context_);
  }

  int save_text(const std::string& text) {
    auto engine = open_for_writing(context_);
    if (!engine) return fail_and_keep(engine.status());
    if (was_interrupted()) {
      return finish(context_, *engine, fail_and_keep({ErrorCode::cancelled, "interrupted"}));
    }
    const std::string_view json_text = text;
    const Status staged =
        pointer_ ? engine->stage_value(chunk_, *pointer_, json_text, original_.condition)
                 : engine->stage_update(json_text, chunk_, original_.condition);
    std::string revision;
    const Status status = commit(context_, *engine, chunk_, staged, revision);
    if (!status.ok()) return finish(context_, *engine, fail_and_keep(status));
    file_.remove();
    return finish(context_, *engine, print_saved(context_, chunk_, revision));
  }

  [[nodiscard]] std::string kept() const { return "; your text is kept in '" + file_.path() + "'"; }

  int fail_and_keep(const Status& status) {
    const Error error = with_words(status, kept());
    if (!was_interrupted()) return fail(context_, error);
    context_.messages->error(error);
    return kFailed;
  }

  const Context& context_;
  const std::string chunk_;
  const std::optional<std::string> pointer_;
  const Original original_;
  const PrivateFile file_;
};

int edit(const Context& context, const std::string& chunk,
         const std::optional<std::string>& pointer) {
  if (Status status = check_update("{}", chunk); !status) return fail(context, status);
  auto original = read_original(context, chunk, pointer);
  if (!original) return fail(context, original.status());
  auto file = PrivateFile::create(original->text);
  if (!file) return fail(context, file.status());
  return Editing(context, chunk, pointer, *std::move(original), *std::move(file)).run();
}

}  // namespace

void add_edit(CLI::App& app, Context& context) {
  auto chunk = std::make_shared<std::string>();
  auto pointer = std::make_shared<std::optional<std::string>>();
  CLI::App* command =
      add_command(app, context, "edit", "edit a chunk, or one value, in $VISUAL, $EDITOR or vi",
                  [chunk, pointer](Context& c) { return edit(c, *chunk, *pointer); });
  add_chunk(*command, context, chunk);
  if (!context.names_file) add_place_hint(*command, "edit FILE [POINTER]");
  command->add_option_function<std::string>(
      "pointer", [pointer](const std::string& text) { *pointer = text; },
      "where the value is: /window/width, /users/0");
}

}  // namespace safechunk::cli
