#include <iomanip>
#include <iostream>

#include "../context.h"

namespace safechunk::cli {
namespace {

int verify(const Context& context) {
  auto engine = open_for_reading(context);
  if (!engine) return fail(context, engine.status());
  auto report = engine->verify(progress_bar("verifying"));
  if (!report) return fail(context, report.status());
  if (context.json) {
    print_report(to_json(*report));
  } else {
    for (const FileVerdict& file : report->files) {
      std::cout << std::left << std::setw(11) << to_string(file.state) << printable(file.path);
      if (!file.detail.empty()) std::cout << "  (" << printable(file.detail) << ")";
      std::cout << "\n";
    }
    std::cout << counted(report->files.size(), "file") << ", "
              << (report->sound() ? "sound" : "DAMAGED") << "\n";
  }
  return report->sound() ? kOk : kFailed;
}

}  // namespace

void add_verify(CLI::App& app, Context& context) {
  add_command(app, context, "verify",
              "read and judge every chunk, backup, journal and checkpoint; change nothing", verify);
}

}  // namespace safechunk::cli
