#include <algorithm>
#include <array>
#include <ctime>
#include <iomanip>
#include <iostream>
#include <memory>

#include "../context.h"

namespace safechunk::cli {
namespace {

std::string local_time(double seconds_since_1970) {
  const auto time = static_cast<std::time_t>(seconds_since_1970);
  std::tm parts{};
  std::array<char, 32> text{};
  if (::localtime_r(&time, &parts) == nullptr) return "?";
  text[std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts)] = '\0';
  return text.data();
}

// The project must be there; `call` gets its place.
template <typename Call>
int with_location(const Context& context, Call call) {
  auto engine = open_for_reading(context);  // says in our words that there is none
  if (!engine) return fail(context, engine.status());
  const auto location = locate(context);
  return location ? call(*location) : fail(context, location.status());
}

int list_files(const Context& context) {
  return with_location(context, [&](const Location& location) -> int {
    const auto files = list_quarantine(location.project_id, location.base_dir, location.place);
    if (!files) return fail(context, files.status());
    if (context.json) {
      print_report(to_json(*files));
      return kOk;
    }
    for (const QuarantinedFile& file : *files) {
      std::cout << local_time(file.modified) << "  " << printable(file.name) << "  "
                << counted(file.size, "byte") << "\n";
    }
    if (files->empty()) std::cout << "nothing in quarantine\n";
    return kOk;
  });
}

int show_file(const Context& context, const std::string& file) {
  return with_location(context, [&](const Location& location) -> int {
    const auto bytes =
        read_quarantined(location.project_id, location.base_dir, file, location.place);
    if (!bytes) return fail(context, bytes.status());
    std::cout << *bytes;
    return kOk;
  });
}

// All that are there when none is named.
Result<std::vector<std::string>> files_to_clear(const Location& location,
                                                const std::vector<std::string>& named) {
  const auto present = list_quarantine(location.project_id, location.base_dir, location.place);
  if (!present) return present.status();
  std::vector<std::string> files;
  for (const QuarantinedFile& file : *present) files.push_back(file.name);
  if (named.empty()) return files;
  for (const std::string& file : named) {  // all or nothing, as far as names are concerned
    if (std::ranges::find(files, file) != files.end()) continue;
    Error error;
    error.code = ErrorCode::not_found;
    error.message = "there is no such file in quarantine";
    error.path = file;
    return error;
  }
  return named;
}

int clear_files(const Context& context, const std::vector<std::string>& named) {
  auto engine = open_for_writing(context);  // nobody else puts anything there meanwhile
  if (!engine) return fail(context, engine.status());
  const auto location = locate(context);
  if (!location) return finish(context, *engine, fail(context, location.status()));
  const auto files = files_to_clear(*location, named);
  if (!files) return finish(context, *engine, fail(context, files.status()));
  std::vector<std::string> removed;
  Status failed;  // the first time
  for (const std::string& file : *files) {
    if (was_interrupted()) break;
    Status status =
        remove_quarantined(location->project_id, location->base_dir, file, location->place);
    if (status.ok()) {
      removed.push_back(file);
    } else if (failed.ok()) {
      failed = std::move(status);
    }
  }
  if (context.json) {
    print({{"removed", removed}});
  } else {
    std::cout << "removed " << counted(removed.size(), "file") << " from quarantine\n";
  }
  return finish(context, *engine, failed.ok() ? static_cast<int>(kOk) : fail(context, failed));
}

}  // namespace

void add_quarantine(CLI::App& app, Context& context) {
  CLI::App* group = app.add_subcommand(
      "quarantine", "list, show or clear the damaged and displaced bytes that the engine kept");
  group->fallthrough();
  group->require_subcommand(1);
  add_command(*group, context, "list", "print the names of all files in quarantine", list_files);

  auto file = std::make_shared<std::string>();
  CLI::App* show_command =
      add_command(*group, context, "show", "print the bytes of one file in quarantine",
                  [file](Context& c) { return show_file(c, *file); });
  show_command->add_option("file", *file, "its name, as list prints it")->required();

  auto files = std::make_shared<std::vector<std::string>>();
  CLI::App* clear_command = add_command(
      *group, context, "clear", "remove files from quarantine for ever; all when none is named",
      [files](Context& c) { return clear_files(c, *files); });
  clear_command->add_option("file", *files, "the names of files, as list prints them");
}

}  // namespace safechunk::cli
