// The command line: safechunk [OPTIONS] COMMAND PROJECT ...

#include <iostream>

#include "context.h"

namespace {

constexpr const char* kFooter =
    "Data goes through stdin and stdout, messages through stderr.\n"
    "Exit codes: 0 ok, 1 failed or damage found, 2 usage, 3 locked by another owner, 4 not found.\n"
    "get, list, health, verify and checkpoints write nothing, and work while another process owns\n"
    "the project.";

void add_all(CLI::App& app, safechunk::cli::Context& context) {
  using namespace safechunk::cli;
  for (const auto add : {add_put, add_get, add_list, add_remove, add_health, add_verify, add_repair,
                         add_checkpoint, add_checkpoints, add_restore, add_unlock}) {
    add(app, context);
  }
}

}  // namespace

int main(int argc, char** argv) {
  using namespace safechunk::cli;
  Context context;
  CLI::App app("Keeps an application's state as plain JSON files with the safety of a database.",
               "safechunk");
  app.set_version_flag("--version", std::string(safechunk::version()));
  app.add_option("-C,--base-dir", context.base_dir,
                 "the folder that holds the project (default: the working folder)");
  app.add_flag("--json", context.json, "print results and errors as JSON");
  app.require_subcommand(1);
  app.footer(kFooter);
  add_all(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error, std::cout, std::cerr);
    return code == 0 ? kOk : kUsage;
  } catch (const std::exception& error) {
    std::cerr << "safechunk: " << error.what() << "\n";
    return kFailed;
  }
  std::cout.flush();
  if (!std::cout) {
    std::cerr << "safechunk: cannot write to standard output\n";
    return kFailed;
  }
  return context.exit_code;
}
