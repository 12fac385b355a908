#include <iostream>

#include "../context.h"

namespace safechunk::cli {
namespace {

// The faults themselves are on stderr.
void print_result(const Context& context, bool repaired) {
  const std::vector<Error> faults = context.messages->faults();
  if (context.json) {
    Json found = Json::array();
    for (const Error& fault : faults) found.push_back(Json::parse(to_json(fault)));
    print({{"repaired", repaired}, {"found", found}});
  } else if (!repaired) {
    std::cout << "not everything could be repaired\n";
  } else if (faults.empty()) {
    std::cout << "nothing to repair\n";
  } else {
    std::cout << counted(faults.size(), "problem") << ", all repaired\n";
  }
}

int repair(const Context& context) {
  auto engine = open_for_writing(context);
  if (!engine) return fail(context, engine.status());
  const Status status = engine->repair(progress_bar("repairing"));
  const int code = status.ok() ? static_cast<int>(kOk) : fail(context, status);
  print_result(context, status.ok());
  return finish(context, *engine, code);
}

}  // namespace

void add_repair(CLI::App& app, Context& context) {
  add_command(app, context, "repair",
              "recover the journal, heal damaged chunks from their backups, quarantine the rest",
              repair);
}

}  // namespace safechunk::cli
