// SafeChunkEngine through its public API, as an application would use it.

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <safechunk/nlohmann.hpp>
#include <thread>
#include <vector>

#include "common/bench.h"

namespace bench {
namespace {

using safechunk::Durability;
using safechunk::EngineOptions;
using safechunk::SafeChunkEngine;
using safechunk::Status;

EngineOptions options_for(const Request& request) {
  EngineOptions options;
  options.base_dir = request.folder;
  if (request.method == "journal") options.durability = Durability::journal;
  return options;
}

void must(const Status& status) {
  require(status.ok(), status.to_text());
}

// Attached, and silent unless something fails behind the caller's back.
SafeChunkEngine open(const Request& request, const EngineOptions& options) {
  auto engine = SafeChunkEngine::open("project", options);
  require(engine.ok(), engine.status().to_text());
  engine->on_fault([](const safechunk::Error& error) { fail(error.to_text()); });
  (void)request;
  return *std::move(engine);
}

SafeChunkEngine open(const Request& request) {
  return open(request, options_for(request));
}

void update(const Request& request, Answer& answer) {
  Document document(request.document);
  auto engine = open(request);
  measure(request, answer, [&] {
    must(engine.stage_update(document.next(), "hot"));
    must(engine.force_sync());
  });
  must(engine.detach());
}

// One value of 100 bytes inside of the document.
void edit(const Request& request, Answer& answer) {
  Document document(request.document);
  auto engine = open(request);
  must(engine.stage_update(document.text(), "hot"));
  must(engine.force_sync());
  std::uint64_t revision = 0;
  measure(request, answer, [&] {
    must(engine.stage_value("hot", "/revision", small_value(++revision)));
    must(engine.force_sync());
  });
  must(engine.detach());
}

void batch(const Request& request, Answer& answer) {
  Document document(request.document);
  auto engine = open(request);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < request.chunks; ++i) names.push_back(chunk_name(i));
  measure(request, answer, [&] {
    for (const std::string& name : names) must(engine.stage_update(document.next(), name));
    must(engine.force_sync());
  });
  must(engine.detach());
}

void threads(const Request& request, Answer& answer) {
  std::vector<Document> documents(request.threads, Document(request.document));
  auto engine = open(request);
  measure_threads(request, answer, [&](std::size_t thread) {
    must(engine.stage_update(documents[thread].next(), chunk_name(thread)));
    must(engine.force_sync());
  });
  must(engine.detach());
}

void stage(const Request& request, Answer& answer) {
  constexpr std::size_t kPeriod = 20;
  Document document(request.document);
  EngineOptions options = options_for(request);
  options.debounce_delay = options.max_delay = std::chrono::hours(1);  // nothing else meanwhile
  auto engine = open(request, options);
  auto value = nlohmann::json::parse(document.text());
  std::uint64_t revision = 0;
  const auto text_operation = [&] { must(engine.stage_update(document.next(), "hot")); };
  const auto value_operation = [&] {
    value["revision"] = ++revision;
    must(engine.stage_update(value, "hot"));
  };
  const auto save = [&] { must(engine.force_sync()); };
  if (request.method == "nlohmann") {
    measure(request, answer, value_operation, save, kPeriod);
  } else {
    measure(request, answer, text_operation, save, kPeriod);
  }
  must(engine.detach());
}

void fetch(const Request& request, Answer& answer) {
  auto engine = open(request);
  must(engine.stage_update(Document(request.document).text(), "hot"));
  must(engine.force_sync());
  if (request.method == "nlohmann") {
    measure(request, answer, [&] { must(engine.fetch_chunk<nlohmann::json>("hot").status()); });
  } else {
    measure(request, answer, [&] { must(engine.fetch_chunk("hot").status()); });
  }
  must(engine.detach());
}

void checkpoint(const Request& request, Answer& answer) {
  Document document(request.document);
  auto engine = open(request);
  for (std::size_t i = 0; i < request.chunks; ++i) {
    must(engine.stage_update(document.next(), chunk_name(i)));
  }
  must(engine.force_sync());
  std::string name;
  measure(
      request, answer,
      [&] {
        auto created = engine.create_checkpoint("bench");
        must(created.status());
        name = *created;
      },
      [&] {
        if (!name.empty()) must(engine.delete_checkpoint(name));
      });
  const auto archive = std::filesystem::path(engine.project_path()) / "checkpoints" / name;
  answer.add("archive_bytes", static_cast<double>(std::filesystem::file_size(archive)));
  must(engine.detach());
}

// The folder holds a project of that many chunks. Detaching is not measured.
void attach(const Request& request, Answer& answer) {
  SafeChunkEngine engine = open(request);
  measure(
      request, answer, [&] { must(engine.attach()); }, [&] { must(engine.detach()); });
  must(engine.detach());
}

// --- what must not grow with the project (P19)

// The folder holds a project of that many chunks.
void list_all(const Request& request, Answer& answer) {
  auto engine = open(request);
  measure(request, answer, [&] {
    const auto names = engine.list_chunks();
    require(names.ok() && names->size() == request.chunks, "names are missing");
  });
  must(engine.detach());
}

// The same among few: in a project beside that one.
SafeChunkEngine open_few_or_many(const Request& request) {
  constexpr std::size_t kFew = 10;
  if (request.method != "few") return open(request);
  Request beside = request;
  beside.folder += "/few";
  std::filesystem::create_directory(beside.folder);
  auto engine = open(beside);
  const std::string text = Document(request.document).text();
  for (std::size_t i = 0; i < kFew; ++i) must(engine.stage_update(text, chunk_name(i)));
  must(engine.force_sync());
  return engine;
}

void get_one(const Request& request, Answer& answer) {
  auto engine = open_few_or_many(request);
  // The prepared files have no stamp of the engine, and are validated with each read; an equal text
  // would leave this one as it is.
  must(engine.stage_update(Document(request.document).next(), chunk_name(5)));
  must(engine.force_sync());
  measure(request, answer, [&] { must(engine.fetch_chunk(chunk_name(5)).status()); });
  must(engine.detach());
}

void update_one(const Request& request, Answer& answer) {
  Document document(request.document);
  auto engine = open_few_or_many(request);
  measure(request, answer, [&] {
    must(engine.stage_update(document.next(), chunk_name(5)));
    must(engine.force_sync());
  });
  must(engine.detach());
}

// --- many engines in one process (P18)

std::size_t entries_in(const char* folder) {
  namespace fs = std::filesystem;
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

// `count` engines, each of which has saved the document.
void engines(const Request& request, Answer& answer) {
  rlimit files{};
  check(::getrlimit(RLIMIT_NOFILE, &files), "getrlimit");
  files.rlim_cur = files.rlim_max;
  check(::setrlimit(RLIMIT_NOFILE, &files), "setrlimit");
  Document document(request.document);
  std::vector<SafeChunkEngine> all;
  all.reserve(request.count);
  const std::size_t descriptors = entries_in("/proc/self/fd");
  const double resident = resident_bytes();
  for (std::size_t i = 0; i < request.count; ++i) {
    auto engine = SafeChunkEngine::open("project" + std::to_string(i), options_for(request));
    must(engine.status());
    must(engine->stage_update(document.next(), "hot"));
    must(engine->force_sync());
    all.push_back(*std::move(engine));
  }
  answer.add("resident_bytes", resident_bytes() - resident);
  answer.add("descriptors", static_cast<double>(entries_in("/proc/self/fd") - descriptors));
  answer.add("threads", static_cast<double>(entries_in("/proc/self/task")));
  for (SafeChunkEngine& engine : all) must(engine.detach());
}

// --- logs (P13)

// Acknowledged: it survives the end of the process.
void log_stage(const Request& request, Answer& answer) {
  Document document(request.document);
  auto engine = open(request);
  auto log = engine.log("events");
  measure(request, answer, [&] { must(log.append(document.next()).status()); });
  must(engine.detach());
}

void log_update(const Request& request, Answer& answer) {
  Document document(request.document);
  auto engine = open(request);
  auto log = engine.log("events");
  measure(request, answer, [&] {
    must(log.append(document.next()).status());
    must(log.sync());
  });
  must(engine.detach());
}

void log_threads(const Request& request, Answer& answer) {
  std::vector<Document> documents(request.threads, Document(request.document));
  auto engine = open(request);
  auto log = engine.log("events");
  measure_threads(request, answer, [&](std::size_t thread) {
    must(log.append(documents[thread].next()).status());
    must(log.sync());
  });
  must(engine.detach());
}

// What a project needs beside the document of its caller, at most.
void memory(const Request& request, Answer& answer) {
  Document document(request.document);
  auto engine = open(request);
  const double before = resident_bytes();
  for (int turn = 0; turn < 2; ++turn) {
    must(engine.stage_update(document.next(), "hot"));
    must(engine.force_sync());
    must(engine.fetch_chunk("hot").status());
  }
  const auto file = std::filesystem::path(engine.project_path()) / "chunks" / "hot.json";
  answer.add("peak_bytes", peak_resident_bytes() - before);
  answer.add("staged_bytes", static_cast<double>(document.text().size()));
  answer.add("chunk_bytes", static_cast<double>(std::filesystem::file_size(file)));
  must(engine.detach());
}

// Processes that change one document together: each reads it and writes it anew, with nothing
// between. `alone`: one process does it; `file`: the owner of the project.
void processes(const Request& request, Answer& answer) {
  Request asked = request;
  EngineOptions options = options_for(request);
  const bool is_owner = request.method == "file";
  if (!is_owner) options.mode = safechunk::Mode::shared;
  options.lock_timeout = std::chrono::minutes(10);
  if (request.method == "alone") asked.threads = 1;
  measure_processes(asked, answer, [&] {
    auto engine = std::make_shared<SafeChunkEngine>(open(request, options));
    auto document = std::make_shared<Document>(request.document);
    return [engine, document, is_owner] {
      must(engine->update("hot", [&](const safechunk::ChunkRead& present) {
        if (present.text) require(!present.text->empty(), "an empty document");
        return safechunk::Result<std::string>(document->next());
      }));
      if (is_owner) must(engine->force_sync());
    };
  });
}

// The time from the start of a change by another process until this process hears of it.
void notice(const Request& request, Answer& answer) {
  using Clock = std::chrono::steady_clock;  // one for all processes
  using Times = std::atomic<Clock::rep>;
  EngineOptions options = options_for(request);
  options.mode = safechunk::Mode::shared;
  options.lock_timeout = std::chrono::minutes(10);
  auto engine = open(request, options);
  must(engine.stage_update("0", "hot"));
  auto watch = engine.watch({.delivery = safechunk::WatchOptions::Delivery::every});
  must(watch.status());
  void* memory = ::mmap(nullptr, request.count * sizeof(Times), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  require(memory != MAP_FAILED, "mmap");
  auto* const begun = static_cast<Times*>(memory);
  const pid_t writer = ::fork();
  check(writer, "fork");
  if (writer == 0) {
    auto other = open(request, options);
    Document document(request.document);
    for (std::size_t n = 0; n < request.count; ++n) {
      constexpr std::size_t kPauses = 7;  // not in step with anything
      std::this_thread::sleep_for(std::chrono::milliseconds(3 + n % kPauses));
      begun[n].store(Clock::now().time_since_epoch().count());
      must(other.stage_update(document.next(), "hot"));
    }
    ::_exit(0);
  }
  std::vector<double> times;
  for (std::size_t n = 0; n < request.count; ++n) {
    const auto change = watch->next(std::chrono::minutes(1));
    must(change.status());
    require(change->has_value(), "a change was missed");
    const Clock::duration passed =
        Clock::now().time_since_epoch() - Clock::duration(begun[n].load());
    times.push_back(std::chrono::duration<double, std::nano>(passed).count());
  }
  int status = 0;
  check(::waitpid(writer, &status, 0), "waitpid");
  require(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the writer failed");
  std::sort(times.begin(), times.end());
  answer.add("count", static_cast<double>(request.count));
  answer.add("median_ns", times[times.size() / 2]);
  answer.add("p99_ns", times[times.size() * 99 / 100]);
  answer.add("max_ns", times.back());
  check(::munmap(memory, request.count * sizeof(Times)), "munmap");
}

using Job = void (*)(const Request&, Answer&);

const std::map<std::string, Job> kJobs = {
    {"update", update},       {"batch", batch},           {"threads", threads},
    {"stage", stage},         {"fetch", fetch},           {"checkpoint", checkpoint},
    {"attach", attach},       {"memory", memory},         {"edit", edit},
    {"processes", processes}, {"notice", notice},         {"list", list_all},
    {"get_one", get_one},     {"update_one", update_one}, {"engines", engines},
    {"log_stage", log_stage}, {"log_update", log_update}, {"log_threads", log_threads},
};

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  const bench::Request request = bench::parse(argc, argv);
  const auto job = bench::kJobs.find(request.work);
  bench::require(job != bench::kJobs.end(), "the engine does not do this work");
  bench::Answer answer;
  job->second(request, answer);
  answer.print();
}
