#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "../saving.h"

namespace safechunk::cli {
namespace {

struct AppendArguments {
  std::string log;
  std::string value = "-";
  bool one = false;
  bool is_string = false;
};

// One line of the input may be so long: a record is no longer.
constexpr std::size_t kLongestLine = std::size_t{64} << 20U;
// So much is appended by one write.
constexpr std::size_t kBatchBytes = std::size_t{256} << 10U;

// The text as a JSON string. Errors: invalid_json when it is not UTF-8.
Result<std::string> string_record(const std::string& text) {
  try {
    return Json(text).dump();
  } catch (const Json::type_error&) {
    return Status(ErrorCode::invalid_json, "the text is not UTF-8");
  }
}

// Lines of standard input, which may come slowly.
class InputLines {
 public:
  // Nothing at the end of the input, or when a signal came. Errors: io_error, too_large.
  Result<std::optional<std::string>> next() {
    for (std::size_t searched = used_;;) {
      if (const auto at = buffer_.find('\n', searched); at != std::string::npos) {
        std::string line = buffer_.substr(used_, at - used_);
        used_ = at + 1;
        return std::optional(std::move(line));
      }
      if (buffer_.size() - used_ > kLongestLine) {
        return Status(ErrorCode::too_large, "the line has more than 64 MiB");
      }
      buffer_.erase(0, std::exchange(used_, 0));
      searched = buffer_.size();
      auto more = fill();
      if (!more) return more.status();
      if (*more) continue;
      if (buffer_.empty() || was_interrupted()) return std::optional<std::string>();
      return std::optional(std::exchange(buffer_, {}));  // the last line has no line break
    }
  }
  // Whether next() gives a line, or reads some of it, without waiting.
  [[nodiscard]] bool is_ready() const {
    return buffer_.find('\n', used_) != std::string::npos || wait(0);
  }

 private:
  static bool wait(int milliseconds) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    return ::poll(&input, 1, milliseconds) > 0;
  }

  // False at the end.
  Result<bool> fill() {
    // A signal does not end a read; a short wait sees its flag.
    constexpr int kUntilASignalIsSeen = 200;
    while (!wait(kUntilASignalIsSeen)) {
      if (was_interrupted()) return false;
    }
    std::array<char, 65536> block{};
    ssize_t count = 0;
    do {
      count = ::read(STDIN_FILENO, block.data(), block.size());
    } while (count < 0 && errno == EINTR);
    if (count < 0) {
      return Status(ErrorCode::io_error,
                    std::string("cannot read standard input: ") + std::strerror(errno));
    }
    buffer_.append(block.data(), static_cast<std::size_t>(count));
    return count > 0;
  }

  std::string buffer_;
  std::size_t used_ = 0;
};

// Appends records to one log. The project is opened, or made, when the first record is known to be
// one.
class Appending {
 public:
  Appending(const Context& context, std::string log) : context_(context), log_(std::move(log)) {}

  // Appends all records, or those before the first that is refused. `lines`: where the records come
  // from in the input; empty when there is only one.
  Status append(const std::vector<std::string>& records, const std::vector<std::uint64_t>& lines) {
    if (records.empty()) return {};
    if (Status status = open(records.front()); !status) return in_line(status, lines, 0);
    auto appended = append_patiently(records);
    if (appended) {
      note(*appended, records.size());
      return {};
    }
    if (!is_refusal(appended.code())) return said(appended.status());
    for (std::size_t i = 0; i < records.size(); ++i) {
      appended = engine_->log(log_).append(records[i]);
      if (!appended) return in_line(appended.status(), lines, i);
      note(*appended, 1);
    }
    return {};
  }

  // Makes everything durable, closes the project, and prints the result. Returns the exit code.
  int end(Status status) {
    if (engine_ && records_ > 0) {
      const Status synced = engine_->log(log_).sync();
      if (status.ok()) status = synced;
    }
    int code = kOk;
    if (!status.ok()) {
      code = fail(context_, status);
    } else {
      code = code_of_faults(context_);
      if (context_.json) {
        print({{"log", log_},
               {"position", position_ ? Json(*position_) : Json()},
               {"records", records_},
               {"state", state_of_faults(context_)}});
      } else if (code != kOk) {
        std::cerr << "safechunk: " << counted(records_, "record")
                  << " appended; see what was met above\n";
      }
    }
    return engine_ ? finish(context_, *engine_, code) : code;
  }

  // What can be said before the project is opened, or made.
  [[nodiscard]] Status check(const std::string* record) const {
    const auto location = locate(context_);
    if (!location) return location.status();
    if (location->place == PlaceKind::file) {
      return Status(ErrorCode::invalid_argument,
                    "a single file has no logs; name a folder, or a project");
    }
    EngineOptions options = location->options();
    options.mode = Mode::read;  // takes no lock and makes nothing, also when there is no project
    SafeChunkEngine engine(location->project_id, options);
    // The rules for names and texts are those of chunks.
    return engine.transaction().stage(
        record == nullptr ? std::string_view("0") : std::string_view(*record), log_);
  }

  [[nodiscard]] static Status about_line(const Status& status, std::uint64_t line) {
    Error error = status.error();
    error.message = "line " + std::to_string(line) + " of the input: " + error.message;
    if (error.position) error.position->line = line;
    return error;
  }

 private:
  static bool is_refusal(ErrorCode code) {
    return code == ErrorCode::invalid_json || code == ErrorCode::too_deep ||
           code == ErrorCode::too_large;
  }

  // Another program that has written half a line gets the time to complete it: the engine takes it
  // for damage after 2 seconds. Others may have their turn.
  Result<std::uint64_t> append_patiently(const std::vector<std::string>& records) {
    const auto deadline = std::chrono::steady_clock::now() +
                          std::chrono::duration_cast<std::chrono::milliseconds>(
                              std::chrono::duration<double>(wait_for_turn(context_)));
    for (;;) {
      auto appended = engine_->log(log_).append(std::span(records));
      const bool waits =
          appended.code() == ErrorCode::being_edited || appended.code() == ErrorCode::locked;
      if (!waits || was_interrupted() || std::chrono::steady_clock::now() >= deadline) {
        return appended;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }

  Status open(const std::string& first) {
    if (engine_) return {};
    if (Status status = check(&first); !status) return status;
    auto engine = open_for_turns(context_, Missing::create);
    if (!engine) return engine.status();
    engine_ = *std::move(engine);
    return was_interrupted() ? Status(ErrorCode::cancelled, "interrupted") : Status();
  }

  void note(std::uint64_t position, std::uint64_t count) {
    if (!position_) position_ = position;
    records_ += count;
  }

  // Says what stays of the command in spite of the error.
  [[nodiscard]] Status said(const Status& status) const {
    Error error = status.error();
    if (records_ > 0) {
      error.message += "; before that " + counted(records_, "record") +
                       (records_ == 1 ? " was appended, and stays" : " were appended, and stay");
    }
    return error;
  }

  [[nodiscard]] Status in_line(const Status& status, const std::vector<std::uint64_t>& lines,
                               std::size_t i) const {
    if (!is_refusal(status.code()) || lines.empty()) return said(status);
    return said(about_line(status, lines[i]));
  }

  const Context& context_;
  const std::string log_;
  std::optional<SafeChunkEngine> engine_;
  std::optional<std::uint64_t> position_;  // of the first record
  std::uint64_t records_ = 0;
};

Status append_lines(Appending& appending, bool are_strings) {
  InputLines input;
  std::vector<std::string> records;
  std::vector<std::uint64_t> numbers;
  std::size_t bytes = 0;
  for (std::uint64_t number = 1;; ++number) {
    // What a slow program has written is not kept waiting.
    if (bytes >= kBatchBytes || (!records.empty() && !input.is_ready())) {
      if (Status status = appending.append(records, numbers); !status) return status;
      records.clear();
      numbers.clear();
      bytes = 0;
    }
    auto line = input.next();
    Status refused = line.status();
    if (line && !*line) return appending.append(records, numbers);
    if (line && (*line)->find_first_not_of(" \t\r") == std::string::npos) continue;
    if (line && are_strings) {
      auto text = string_record(**line);
      refused = text.status();
      if (text) *line = *std::move(text);
    }
    if (!refused.ok()) {
      if (Status status = appending.append(records, numbers); !status) return status;
      return Appending::about_line(refused, number);
    }
    bytes += (*line)->size();
    records.push_back(*std::move(*line));
    numbers.push_back(number);
  }
}

int append(const Context& context, const AppendArguments& arguments) {
  Appending appending(context, arguments.log);
  if (Status status = appending.check(nullptr); !status) return fail(context, status);
  if (arguments.value == "-" && !arguments.one) {
    return appending.end(append_lines(appending, arguments.is_string));
  }
  auto record = arguments.value == "-" ? read_input("-") : Result<std::string>(arguments.value);
  if (record && arguments.is_string) {
    // 'echo dark | safechunk append ... --one --string' does not mean the end of the line.
    if (arguments.value == "-" && record->ends_with('\n')) record->pop_back();
    record = string_record(*record);
  }
  if (!record) return fail(context, record.status());
  return appending.end(appending.append({*record}, {}));
}

}  // namespace

void add_append(CLI::App& app, Context& context) {
  auto arguments = std::make_shared<AppendArguments>();
  CLI::App* command = add_command(app, context, "append", "append records to a log, durably",
                                  [arguments](Context& c) { return append(c, *arguments); });
  command->add_option("log", arguments->log, "the log's name")->required();
  command
      ->add_option("value", arguments->value,
                   "the record as JSON text; - is standard input, a record on each line")
      ->capture_default_str();
  command->add_flag("--one", arguments->one, "take the whole standard input as one record");
  command->add_flag("--string", arguments->is_string,
                    "take the value, or each line, as a string without quotes");
}

}  // namespace safechunk::cli
