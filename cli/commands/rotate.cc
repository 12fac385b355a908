#include <iostream>
#include <memory>

#include "../context.h"

namespace safechunk::cli {
namespace {

int rotate(const Context& context, const std::string& log) {
  auto engine = open_for_turns(context);
  if (!engine) return fail(context, engine.status());
  if (was_interrupted()) return finish(context, *engine, kFailed);
  const auto rotated = engine->log(log).rotate();
  if (!rotated) return finish(context, *engine, fail(context, rotated.status()));
  if (context.json) {
    print({{"log", log}, {"rotated", *rotated}, {"state", state_of_faults(context)}});
  } else {
    std::cout << *rotated << "\n";
  }
  return finish(context, *engine, code_of_faults(context));
}

}  // namespace

void add_rotate(CLI::App& app, Context& context) {
  auto log = std::make_shared<std::string>();
  CLI::App* command = add_command(app, context, "rotate",
                                  "end the file of a log, and print the name of the log it becomes",
                                  [log](Context& c) { return rotate(c, *log); });
  command->add_option("log", *log, "the log's name")->required();
}

}  // namespace safechunk::cli
