#include <iostream>

#include "../context.h"

namespace safechunk::cli {
namespace {

int repair(const Context& context) {
  auto engine = open_for_writing(context);
  if (!engine) return fail(context, engine.status());
  Json faults = Json::array();
  engine->on_fault([&](const Error& error) {
    if (context.json) {
      faults.push_back(Json::parse(to_json(error)));
    } else {
      std::cout << printable(error.to_text()) << "\n";
    }
  });
  const Status status = engine->repair(progress_bar("repairing"));
  const int code = status.ok() ? static_cast<int>(kOk) : fail(context, status);
  if (context.json) print({{"repaired", status.ok()}, {"found", faults}});
  return finish(context, *engine, code);
}

}  // namespace

void add_repair(CLI::App& app, Context& context) {
  add_command(app, context, "repair",
              "recover the journal, heal damaged chunks from their backups, quarantine the rest",
              repair);
}

}  // namespace safechunk::cli
