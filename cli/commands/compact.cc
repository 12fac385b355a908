#include <memory>

#include "../context.h"

namespace safechunk::cli {
namespace {

int compact(const Context& context, const std::string& log, std::size_t keep_last) {
  auto engine = open_for_writing(context);
  if (!engine) return fail(context, engine.status());
  if (was_interrupted()) return finish(context, *engine, kFailed);
  const Status status = engine->log(log).compact(keep_last);
  if (!status.ok()) return finish(context, *engine, fail(context, status));
  if (context.json) {
    print({{"log", log}, {"compacted", true}, {"state", state_of_faults(context)}});
  }
  return finish(context, *engine, code_of_faults(context));
}

}  // namespace

void add_compact(CLI::App& app, Context& context) {
  auto log = std::make_shared<std::string>();
  auto keep_last = std::make_shared<std::size_t>(0);
  CLI::App* command =
      add_command(app, context, "compact", "remove the old records of a log",
                  [log, keep_last](Context& c) { return compact(c, *log, *keep_last); });
  command->add_option("log", *log, "the log's name")->required();
  command->add_option("--keep-last", *keep_last, "how many records stay")->required();
}

}  // namespace safechunk::cli
