#include <iostream>

#include "../context.h"

namespace safechunk::cli {
namespace {

int logs(const Context& context) {
  auto engine = open_for_reading(context);
  if (!engine) return fail(context, engine.status());
  const auto found = engine->list_logs();
  if (!found) return fail(context, found.status());
  Json list = Json::array();
  for (const LogInfo& log : *found) {
    if (context.json) {
      list.push_back({{"name", log.name}, {"bytes", log.bytes}});
    } else {
      std::cout << log.name << "  " << counted(log.bytes, "byte") << "\n";
    }
  }
  if (context.json) print(list);
  return kOk;
}

}  // namespace

void add_logs(CLI::App& app, Context& context) {
  add_command(app, context, "logs", "print the names and sizes of all logs", logs);
}

}  // namespace safechunk::cli
