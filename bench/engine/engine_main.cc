// SafeChunkEngine through its public API, as an application would use it.

#include <filesystem>
#include <map>
#include <safechunk/nlohmann.hpp>

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

using Job = void (*)(const Request&, Answer&);

const std::map<std::string, Job> kJobs = {
    {"update", update}, {"batch", batch},   {"threads", threads},
    {"stage", stage},   {"fetch", fetch},   {"checkpoint", checkpoint},
    {"attach", attach}, {"memory", memory}, {"edit", edit},
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
