#include <iomanip>
#include <iostream>
#include <memory>
#include <string>

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

int verify_archive(const Context& context, const std::string& archive) {
  auto engine = open_for_reading(context);
  if (!engine) return fail(context, engine.status());
  const Status status = engine->verify_checkpoint(archive, progress_bar("verifying"));
  if (!status.ok()) return fail(context, status);
  if (context.json) {
    print({{"archive", archive}, {"state", "good"}});
  } else {
    std::cout << printable(archive) << ": good\n";
  }
  return kOk;
}

}  // namespace

void add_verify(CLI::App& app, Context& context) {
  auto archive = std::make_shared<std::string>();
  CLI::App* command = add_command(
      app, context, "verify",
      "read and judge every chunk, backup, journal and checkpoint, or one archive; change nothing",
      [archive](Context& c) {
        return archive->empty() ? verify(c) : verify_archive(c, archive_of(c, *archive));
      });
  command->add_option("archive", *archive,
                      "only this checkpoint, or the archive with this path, against its checksums");
}

}  // namespace safechunk::cli
