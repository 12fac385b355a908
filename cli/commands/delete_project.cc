#include <memory>

#include "../context.h"

namespace safechunk::cli {
namespace {

std::string question_about(SafeChunkEngine& engine) {
  const auto chunks = engine.list_chunks();
  const std::string count = chunks ? counted(chunks->size(), "chunk") : "chunks";
  return "Delete '" + printable(engine.project_path()) + "' for ever, with its " + count +
         ", backups, checkpoints and quarantine?";
}

// ok when the user means it: --yes says so, or the answer does.
Status check_intent(const Context& context, bool yes) {
  auto engine = open_for_reading(context);  // says in our words that there is none
  if (!engine) return engine.status();
  if (yes || says_yes(question_about(*engine), false)) return {};
  return {ErrorCode::cancelled, "nothing was deleted"};
}

int delete_it(const Context& context, bool yes) {
  if (!yes && !may_ask(context)) {
    context.messages->usage("delete-project: --yes is needed where nobody can be asked");
    return kUsage;
  }
  const auto location = locate(context);
  if (!location) return fail(context, location.status());
  if (location->place != PlaceKind::project) {
    return fail(context, {ErrorCode::invalid_argument,
                          "these files are not the engine's to delete; 'safechunk adopt --release' "
                          "removes what it has put beside them"});
  }
  if (Status status = check_intent(context, yes); !status) return fail(context, status);
  defer_signals();  // one that comes now waits until all is gone
  const Status status = delete_project(location->project_id, location->base_dir);
  if (!status.ok()) return fail(context, status);
  if (context.json) print({{"deleted", location->project_id}});
  return kOk;
}

}  // namespace

void add_delete_project(CLI::App& app, Context& context) {
  auto yes = std::make_shared<bool>(false);
  CLI::App* command = add_command(
      app, context, "delete-project",
      "delete a project for ever, with its backups and checkpoints; asks for confirmation",
      [yes](Context& c) { return delete_it(c, *yes); });
  command->add_flag("--yes", *yes, "delete without asking");
}

}  // namespace safechunk::cli
