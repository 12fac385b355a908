#include "context.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <memory>

namespace safechunk::cli {

CLI::App* add_command(CLI::App& app, Context& context, const char* name, const char* description,
                      std::function<int(Context&)> run) {
  CLI::App* command = app.add_subcommand(name, description);
  command->fallthrough();  // the global options are also allowed after the command
  command->add_option("project", context.project, "the project's name: a folder in --base-dir")
      ->required();
  command->callback([&context, run = std::move(run)] { context.exit_code = run(context); });
  return command;
}

Result<SafeChunkEngine> open_for_writing(const Context& context) {
  EngineOptions options;
  options.base_dir = context.base_dir;
  auto engine = SafeChunkEngine::open(context.project, options);
  if (!engine) return engine;
  for (const Event& event : engine->recovery_report().events) {
    std::cerr << "safechunk: recovery: " << to_string(event.kind);
    if (!event.chunk.empty()) std::cerr << " '" << event.chunk << "'";
    std::cerr << ": " << printable(event.detail) << "\n";
  }
  return engine;
}

Result<SafeChunkEngine> open_for_reading(const Context& context) {
  EngineOptions options;
  options.base_dir = context.base_dir;
  options.read_only = true;
  return SafeChunkEngine::open(context.project, options);
}

int finish(const Context& context, SafeChunkEngine& engine, int exit_code) {
  const Status status = engine.detach();
  if (status.ok()) return exit_code;
  const int failed = fail(context, status);
  return exit_code == kOk ? failed : exit_code;
}

namespace {

int exit_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::invalid_name:
      return kUsage;
    case ErrorCode::locked:
      return kLocked;
    case ErrorCode::not_found:
      return kNotFound;
    default:
      return kFailed;
  }
}

}  // namespace

int fail(const Context& context, const Status& status) {
  if (context.json) {
    const Json value = {{"error", Json::parse(to_json(status.error()))}};
    std::cerr << value.dump(4, ' ', false, Json::error_handler_t::replace) << "\n";
  } else {
    std::cerr << "safechunk: " << printable(status.to_text()) << "\n";
  }
  return exit_code_of(status.code());
}

std::string printable(std::string_view text) {
  std::string result;
  int c1 = 0;  // bytes left of U+0080 to U+009F, which also control some terminals
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == 0xC2 && i + 1 < text.size()) {
      const auto next = static_cast<unsigned char>(text[i + 1]);
      if (next >= 0x80 && next <= 0x9F) c1 = 2;
    }
    if (byte < 0x20 || byte == 0x7F || c1 > 0) {
      c1 = std::max(c1 - 1, 0);
      std::array<char, 8> hex{};
      std::snprintf(hex.data(), hex.size(), "\\x%02X", byte);
      result += hex.data();
    } else {
      result += text[i];
    }
  }
  return result;
}

void print(const Json& value) {
  std::cout << value.dump(4, ' ', false, Json::error_handler_t::replace) << "\n";
}

void print_report(const std::string& text) {
  print(Json::parse(text));
}

ProgressHandler progress_bar(const std::string& what) {
  if (::isatty(STDERR_FILENO) == 0) return {};
  using Clock = std::chrono::steady_clock;
  struct State {
    Clock::time_point begin = Clock::now();
    Clock::time_point drawn;
    bool visible = false;
  };
  auto state = std::make_shared<State>();
  return [what, state](std::uint64_t done, std::uint64_t total) {
    const auto now = Clock::now();
    const bool last = done == total;
    if (!state->visible && (last || now - state->begin < std::chrono::seconds(1))) return true;
    if (!last && now - state->drawn < std::chrono::milliseconds(100)) return true;
    state->visible = true;
    state->drawn = now;
    std::fprintf(stderr, "\r%s: %llu of %llu%s", what.c_str(),
                 static_cast<unsigned long long>(done), static_cast<unsigned long long>(total),
                 last ? "\n" : "");
    return true;
  };
}

}  // namespace safechunk::cli
