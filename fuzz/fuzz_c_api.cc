// Any sequence of calls of the C interface, with any names and texts: codes are of the list, what
// is told by the error is what was returned, nothing is given on failure, and what was accepted is
// read back after a detach.

#include <map>
#include <string>

#include <safechunk/safechunk.h>

#include "fuzz_support.h"
#include "support/temporary_folder.h"

namespace {

// Takes the input apart: a byte for what to do, then a size and so many bytes as text.
class Script {
 public:
  explicit Script(std::string_view bytes) : bytes_(bytes) {}
  [[nodiscard]] bool ended() const { return bytes_.empty(); }
  unsigned next() {
    if (bytes_.empty()) return 0;
    const auto byte = static_cast<unsigned char>(bytes_.front());
    bytes_.remove_prefix(1);
    return byte;
  }
  std::string text() {
    const std::size_t size = next();
    const std::string text(bytes_.substr(0, size));
    bytes_.remove_prefix(text.size());
    return text;
  }

 private:
  std::string_view bytes_;
};

safechunk_error error = [] {
  safechunk_error empty{};
  empty.size = sizeof empty;
  return empty;
}();

bool check(safechunk_code code) {
  require(code >= SAFECHUNK_OK && code <= SAFECHUNK_CANCELLED);
  require(code == error.code);
  require((code == SAFECHUNK_OK) == (error.message[0] == '\0'));
  return code == SAFECHUNK_OK;
}

class Run {
 public:
  Run() {
    safechunk_options options;
    require(safechunk_options_init(&options, sizeof options) == SAFECHUNK_OK);
    options.base_dir = folder_.c_str();
    options.depth_limit = 8;
    require(check(safechunk_open("p", &options, &engine_, &error)));
  }

  void step(Script& script) {
    const unsigned verb = script.next() % 10;
    const std::string name = script.text();
    const char* const chunk = name.c_str();
    char* text = nullptr;
    switch (verb) {
      case 0:
        stage(script.text(), chunk);
        break;
      case 1:
        if (check(safechunk_remove_chunk(engine_, chunk, &error))) accepted_.erase(chunk);
        break;
      case 2:
        (void)check(safechunk_force_sync(engine_, &error));
        break;
      case 3:
        require(check(safechunk_fetch_chunk(engine_, chunk, &text, nullptr, &error)) ==
                (text != nullptr));
        break;
      case 4:
        transaction(script, chunk);
        break;
      case 5:
        require(check(safechunk_create_checkpoint(engine_, chunk, 2, chunk, &text, &error, nullptr,
                                                  nullptr)) == (text != nullptr));
        break;
      case 6:
        (void)check(safechunk_verify_checkpoint(engine_, chunk, &error, nullptr, nullptr));
        (void)check(safechunk_delete_checkpoint(engine_, chunk, &error));
        break;
      case 7:
        (void)check(safechunk_detach(engine_, &error));
        break;
      case 8:
        (void)check(safechunk_attach(engine_, &error));
        break;
      default:
        (void)safechunk_error_to_text(&error, nullptr, 0);
        break;
    }
    safechunk_free(text);
  }

  // After a detach and a new attach everything that was accepted is there, as it was.
  ~Run() {
    require(check(safechunk_attach(engine_, &error)));
    require(check(safechunk_detach(engine_, &error)));
    for (const auto& [chunk, expected] : accepted_) require(read(chunk.c_str()) == expected);
    require(check(safechunk_close(engine_, &error)));
  }

 private:
  void stage(const std::string& text, const char* chunk) {
    if (!check(safechunk_stage_update(engine_, text.data(), text.size(), chunk, &error))) return;
    accepted_[chunk] = read(chunk);
  }

  void transaction(Script& script, const char* chunk) {
    safechunk_transaction* edits = nullptr;
    require(check(safechunk_transaction_begin(engine_, &edits, &error)));
    const std::string text = script.text();
    const bool staged =
        check(safechunk_transaction_stage(edits, text.data(), text.size(), chunk, &error));
    if (staged && check(safechunk_transaction_commit(edits, &error)))
      accepted_[chunk] = read(chunk);
    safechunk_transaction_free(edits);
  }

  std::string read(const char* chunk) {
    char* text = nullptr;
    std::size_t size = 0;
    require(check(safechunk_find_chunk(engine_, chunk, &text, &size, &error)));
    std::string copy(text, size);
    safechunk_free(text);
    return copy;
  }

  safechunk::test::TemporaryFolder temporary_;
  std::string folder_ = temporary_.string();
  safechunk_engine* engine_ = nullptr;
  std::map<std::string, std::string> accepted_;
};

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Script script(as_text(data, size));
  Run run;
  for (int steps = 0; steps < 30 && !script.ended(); ++steps) run.step(script);
  return 0;
}
