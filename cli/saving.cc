#include "saving.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>

namespace safechunk::cli {
namespace {

Result<SafeChunkEngine> try_to_read(const Context& context) {
  const auto location = locate(context);
  if (!location) return location.status();
  EngineOptions options = location->options();
  options.mode = Mode::read;
  return SafeChunkEngine::open(location->project_id, options);
}

bool exists(const Context& context, const std::string& chunk) {
  auto engine = try_to_read(context);
  if (!engine) return false;
  const auto chunks = engine->list_chunks();
  return chunks && std::ranges::find(*chunks, chunk) != chunks->end();
}

// What can be said before the project is opened, or made.
Status check(const Context& context, const Edit& edit, Missing missing) {
  const auto location = locate(context);
  if (!location) return location.status();
  EngineOptions options = location->options();
  options.mode = Mode::read;  // takes no lock and makes nothing, also when there is no project
  SafeChunkEngine engine(location->project_id, options);
  auto transaction = engine.transaction();
  if (Status status = edit.check(transaction); !status) return status;
  if (Status status = transaction.require(edit.chunk, edit.condition); !status) return status;
  if (missing == Missing::refuse || !edit.condition.if_revision) return {};
  if (try_to_read(context).code() != ErrorCode::not_found) return {};
  Error error;
  error.code = ErrorCode::conflict;
  error.message = "the chunk must have the revision " + *edit.condition.if_revision +
                  ", and there is no such project";
  error.chunk = edit.chunk;
  return error;
}

}  // namespace

void add_condition(CLI::App& command, const std::shared_ptr<EditCondition>& condition) {
  CLI::Option* revision = command.add_option_function<std::string>(
      "--if-revision", [condition](const std::string& text) { condition->if_revision = text; },
      "only when the chunk has this revision, as 'get --json' prints it");
  revision->type_name("REVISION");
  command.add_flag("--if-absent", condition->if_absent, "only when there is no such chunk")
      ->excludes(revision);
}

Result<std::string> read_input(const std::string& file) {
  const auto failed = [&] {
    const std::string what = file == "-" ? "standard input" : "the file '" + file + "'";
    return Status(ErrorCode::io_error, "cannot read " + what + ": " + std::strerror(errno));
  };
  // C's streams and not C++'s: std::cin takes an error of the system for the end of the input.
  const bool is_standard = file == "-";
  std::FILE* const stream = is_standard ? stdin : std::fopen(file.c_str(), "rb");
  if (stream == nullptr) return failed();
  std::string text;
  std::array<char, 65536> buffer{};
  std::size_t count = 0;
  while ((count = std::fread(buffer.data(), 1, buffer.size(), stream)) > 0) {
    text.append(buffer.data(), count);
  }
  const Status status = std::ferror(stream) != 0 ? failed() : Status();
  // Nothing was written, so closing cannot lose anything.
  if (!is_standard) (void)std::fclose(stream);
  return status.ok() ? Result<std::string>(std::move(text)) : status;
}

Status check_ending(const Context& context, const std::string& chunk) {
  const std::string name = without_json_ending(chunk);
  if (name.empty() || exists(context, chunk)) return {};
  Error error;
  error.code = ErrorCode::invalid_name;
  error.message = "a chunk's name has no '.json' at its end: did you mean '" + name + "'?";
  error.chunk = chunk;
  return error;
}

int save(const Context& context, const Edit& edit, Missing missing) {
  if (Status status = check(context, edit, missing); !status) return fail(context, status);
  auto engine = open_for_writing(context, missing);
  if (!engine) return fail(context, engine.status());
  if (was_interrupted()) return finish(context, *engine, kFailed);
  return save_staged(context, *engine, edit.chunk, edit.stage(*engine));
}

int save_staged(const Context& context, SafeChunkEngine& engine, const std::string& chunk,
                const Status& staged) {
  std::string revision;
  const Status status = commit(context, engine, chunk, staged, revision);
  if (!status.ok()) return finish(context, engine, fail(context, status));
  return finish(context, engine, print_saved(context, chunk, revision));
}

Status commit(const Context& context, SafeChunkEngine& engine, const std::string& chunk,
              const Status& staged, std::string& revision) {
  if (!staged.ok()) return staged;
  if (context.json) {  // before the commit: nobody else's version can be taken for ours
    const auto read = engine.read_chunk(chunk);
    if (read) revision = read->revision;
  }
  Status status = engine.force_sync();
  if (!status.ok() && engine.is_dirty()) {
    Error error = status.error();
    error.message +=
        "; the edit is kept in the project's journal: the next program that opens the project "
        "saves it, or moves it to quarantine if the file still cannot be replaced";
    status = error;
  }
  return status;
}

int print_saved(const Context& context, const std::string& chunk, const std::string& revision) {
  if (context.json) {
    print({{"chunk", chunk},
           {"saved", true},
           {"state", state_of_faults(context)},
           {"revision", revision}});
  } else if (code_of_faults(context) != kOk) {
    std::cerr << "safechunk: '" << printable(chunk) << "' is saved; see what was met above\n";
  }
  return code_of_faults(context);
}

}  // namespace safechunk::cli
