#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "../context.h"

namespace safechunk::cli {
namespace {

struct Wanted {
  std::optional<std::string> chunk;
  WatchOptions options;
  std::uint64_t count = 0;  // 0: all
  double timeout = 0;       // seconds; 0: for ever
};

// A line, at once: somebody may read it from a pipe.
bool print_change(const Context& context, const Change& change) {
  const std::string_view origin = to_string(change.origin);
  if (context.json) {
    Json line = {{"chunk", change.chunk},
                 {"origin", origin},
                 {"revision", change.revision},
                 {"previous_revision", change.previous_revision},
                 {"number", change.number}};
    std::cout << line.dump(-1, ' ', false, Json::error_handler_t::replace) << "\n";
  } else {
    std::cout << origin;
    if (!change.chunk.empty()) std::cout << " " << change.chunk;
    if (change.revision.empty() && !change.chunk.empty()) std::cout << " (removed)";
    std::cout << "\n";
  }
  std::cout.flush();
  return std::cout.good();
}

int watch(const Context& context, const Wanted& wanted) {
  using Clock = std::chrono::steady_clock;
  auto engine = open_for_reading(context);
  if (!engine) return fail(context, engine.status());
  auto watch = engine->watch(wanted.options);
  if (!watch) return fail(context, watch.status());
  const auto deadline = wanted.timeout > 0
                            ? Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                                 std::chrono::duration<double>(wanted.timeout))
                            : Clock::time_point::max();
  for (std::uint64_t seen = 0; wanted.count == 0 || seen < wanted.count;) {
    constexpr std::chrono::hours kLong{1};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        std::clamp<Clock::duration>(deadline - Clock::now(), Clock::duration::zero(), kLong));
    auto change = watch->next(left);
    if (!change) return fail(context, change.status());
    if (!*change) {
      if (Clock::now() < deadline) continue;
      return wanted.count == 0 ? kOk : kFailed;
    }
    const bool is_wanted = !wanted.chunk || (*change)->chunk == *wanted.chunk ||
                           (*change)->origin == ChangeOrigin::resync;
    if (!is_wanted) continue;
    if (!print_change(context, **change)) return kFailed;
    ++seen;
  }
  return kOk;
}

}  // namespace

void add_watch(CLI::App& app, Context& context) {
  auto wanted = std::make_shared<Wanted>();
  CLI::App* command =
      add_command(app, context, "watch", "print a line for each change, whoever makes it",
                  [wanted](Context& c) { return watch(c, *wanted); });
  command->add_option("chunk", wanted->chunk, "of this chunk only");
  command->add_flag_callback(
      "--every", [wanted] { wanted->options.delivery = WatchOptions::Delivery::every; },
      "each commit; else the newest of several that come together");
  command->add_option("--since", wanted->options.since,
                      "begin behind the change of this number, as --json prints it");
  command->add_option("--count", wanted->count, "end after so many lines")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--timeout", wanted->timeout,
                   "end after so many seconds: with code 1 when --count was not reached")
      ->check(CLI::PositiveNumber);
}

}  // namespace safechunk::cli
