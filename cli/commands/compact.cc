#include <memory>
#include <optional>

#include "../context.h"

namespace safechunk::cli {
namespace {

int compact(const Context& context, const std::string& log,
            const std::optional<std::size_t>& keep_last) {
  auto engine = open_for_turns(context);
  if (!engine) return fail(context, engine.status());
  if (was_interrupted()) return finish(context, *engine, kFailed);
  const auto keep_all = [](const LogRecord&) { return true; };
  const Status status =
      keep_last ? engine->log(log).compact(*keep_last) : engine->log(log).compact(keep_all);
  if (!status.ok()) return finish(context, *engine, fail(context, status));
  if (context.json) {
    print({{"log", log}, {"compacted", true}, {"state", state_of_faults(context)}});
  }
  return finish(context, *engine, code_of_faults(context));
}

}  // namespace

void add_compact(CLI::App& app, Context& context) {
  auto log = std::make_shared<std::string>();
  auto keep_last = std::make_shared<std::optional<std::size_t>>();
  CLI::App* command =
      add_command(app, context, "compact",
                  "remove old records of a log, and move lines that are no JSON to quarantine",
                  [log, keep_last](Context& c) { return compact(c, *log, *keep_last); });
  command->add_option("log", *log, "the log's name")->required();
  command
      ->add_option_function<std::size_t>(
          "--keep-last", [keep_last](const std::size_t& count) { *keep_last = count; },
          "how many records stay (default: all)")
      ->check(CLI::Range(std::size_t{0}, kMostRecords))
      ->type_name("N");
}

}  // namespace safechunk::cli
