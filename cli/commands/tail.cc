#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <optional>

#include "../context.h"

namespace safechunk::cli {
namespace {

struct TailArguments {
  std::string log;
  std::size_t count = 10;
  bool follow = false;
};

void print_record(const Context& context, const LogRecord& record) {
  if (context.json) {
    std::cout << "{\"position\":" << record.position << ",\"value\":" << record.text << "}\n";
  } else {
    std::cout << record.text << "\n";
  }
}

// Lines that another program wrote, and which are no records.
void report_invalid(const Context& context, const LogPage& page) {
  if (page.invalid == 0) return;
  Error error = page.first_invalid.error();
  error.message = counted(page.invalid, "line") + (page.invalid == 1 ? " is" : " are") +
                  " no JSON and left out; the first: " + error.message;
  context.messages->fault(error);
}

// Ends the command as a signal ends those that write to a closed pipe: `tail --follow | head` shall
// not wait for the next record.
void end_when_nobody_reads() {
  pollfd output{STDOUT_FILENO, 0, 0};
  if (::poll(&output, 1, 0) > 0 && (output.revents & POLLERR) != 0) (void)::raise(SIGPIPE);
}

int follow_records(const Context& context, LogFollower& follower) {
  for (bool is_flushed = false;;) {
    auto record = follower.next(std::chrono::milliseconds(is_flushed ? 1000 : 0));
    if (!record) return fail(context, record.status());
    is_flushed = !*record;
    if (*record) {
      print_record(context, **record);
    } else {
      std::cout.flush();
      end_when_nobody_reads();
    }
    if (!std::cout) return kFailed;
  }
}

bool is_there(SafeChunkEngine& engine, const std::string& log) {
  const auto logs = engine.list_logs();
  return !logs || std::ranges::find(*logs, log, &LogInfo::name) != logs->end();
}

int tail(const Context& context, const TailArguments& arguments) {
  auto engine = open_for_reading(context);
  if (!engine) return fail(context, engine.status());
  ::signal(SIGPIPE, SIG_DFL);
  const Log log = engine->log(arguments.log);
  auto page = log.tail(arguments.count);
  std::optional<LogFollower> follower;
  // When the log is compacted or rotated between the two calls, its end is read anew.
  constexpr int kTries = 100;
  for (int i = 0; page && arguments.follow && !follower; ++i) {
    auto opened = log.follow(page->next);
    if (opened) {
      follower = *std::move(opened);
    } else if (opened.code() != ErrorCode::conflict || i == kTries) {
      return fail(context, opened.status());
    } else {
      page = log.tail(arguments.count);
    }
  }
  if (!page) return fail(context, page.status());
  if (!follower && page->next == 0 && !is_there(*engine, arguments.log)) {
    Error error;
    error.code = ErrorCode::not_found;
    error.message = "there is no such log";
    error.chunk = arguments.log;
    return fail(context, error);
  }
  for (const LogRecord& record : page->records) print_record(context, record);
  report_invalid(context, *page);
  return follower ? follow_records(context, *follower) : code_of_faults(context);
}

}  // namespace

void add_tail(CLI::App& app, Context& context) {
  auto arguments = std::make_shared<TailArguments>();
  CLI::App* command = add_command(app, context, "tail", "print the last records of a log",
                                  [arguments](Context& c) { return tail(c, *arguments); });
  command->add_option("log", arguments->log, "the log's name")->required();
  command->add_option("-n,--count", arguments->count, "how many records")
      ->capture_default_str()
      ->check(CLI::Range(std::size_t{0}, kMostRecords))
      ->type_name("N");
  command->add_flag("-f,--follow", arguments->follow,
                    "go on with records that are appended later, until a signal");
}

}  // namespace safechunk::cli
