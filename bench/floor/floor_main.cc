// The floors: the bare sequences of system calls and library calls below which nothing that does
// the same work can be. They check nothing but errors, verify nothing, and keep no state.

#include <fcntl.h>
#include <unistd.h>

#include <simdjson.h>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/bench.h"
#include "floor/floor_files.h"

namespace bench {
namespace {

// --- one document

// A record at the end of a log, in blocks that the file has already: what "durable" costs at least.
void update_log(const Request& request, Answer& answer) {
  constexpr std::size_t kLogBytes = 8U << 20U;
  Document document(request.document);
  const Fd folder = open_folder(request.folder);
  remove_if_there(folder, "log");
  const Fd log = create(folder, "log");
  std::size_t offset = 0;
  measure(request, answer, [&] {
    const std::string& text = document.next();
    if (offset != 0 && offset + text.size() > kLogBytes) offset = 0;
    write_all_at(log, text, offset);
    sync_data(log);
    offset += text.size();
  });
}

// The same without making it durable.
void stage_log(const Request& request, Answer& answer) {
  Document document(request.document);
  const Fd folder = open_folder(request.folder);
  remove_if_there(folder, "log");
  const Fd log = create(folder, "log");
  std::size_t offset = 0;
  measure(request, answer, [&] {
    const std::string& text = document.next();
    write_all_at(log, text, offset);
    offset += text.size();
  });
}

// A copy of the document in memory, with one value changed, and that value at the end of a log.
void edit_log(const Request& request, Answer& answer) {
  const Document document(request.document);
  const Fd folder = open_folder(request.folder);
  remove_if_there(folder, "log");
  const Fd log = create(folder, "log");
  std::size_t offset = 0;
  std::uint64_t revision = 0;
  measure(request, answer, [&] {
    std::string copy = document.text();
    const std::string value = small_value(++revision);
    copy.replace(copy.size() / 2, value.size(), value);
    write_all_at(log, value, offset);
    sync_data(log);
    offset += value.size();
  });
}

// Temporary file, fsync, the old version kept by a hard link, rename, fsync of both folders.
void update_file(const Request& request, Answer& answer) {
  Document document(request.document);
  if (request.chunks == 1) {  // else the folders are there, with as many files
    make_folder(request.folder + "/chunks");
    make_folder(request.folder + "/chunks_bak");
  }
  const Fd chunks = open_folder(request.folder + "/chunks");
  const Fd backups = open_folder(request.folder + "/chunks_bak");
  remove_if_there(chunks, "a.json");
  {
    const Fd first = create(chunks, "a.json");
    write_all(first, document.text());
    sync(first);
  }
  measure(request, answer, [&] {
    Fd file = create(chunks, "a.tmp");
    write_all(file, document.next());
    sync(file);
    file.close();
    link_to(chunks, "a.json", backups, "a.bak.tmp");
    rename_in(backups, "a.bak.tmp", "a.bak");
    rename_in(chunks, "a.tmp", "a.json");
    sync(backups);
    sync(chunks);
  });
}

// --- many documents

void batch_log(const Request& request, Answer& answer) {
  constexpr std::size_t kLogBytes = 8U << 20U;
  Document document(request.document);
  const Fd folder = open_folder(request.folder);
  const Fd log = create(folder, "log");
  std::size_t offset = 0;
  measure(request, answer, [&] {
    std::string all;
    for (std::size_t i = 0; i < request.chunks; ++i) all += document.next();
    if (offset + all.size() > kLogBytes) offset = 0;
    write_all_at(log, all, offset);
    sync_data(log);
    offset += all.size();
  });
}

void on_threads(std::size_t threads, std::size_t count,
                const std::function<void(std::size_t)>& job) {
  std::vector<std::thread> workers;
  for (std::size_t thread = 0; thread < threads; ++thread) {
    workers.emplace_back([&, thread] {
      for (std::size_t i = thread; i < count; i += threads) job(i);
    });
  }
  for (std::thread& worker : workers) worker.join();
}

// Write all, start the device, wait for it, fsync by `threads` threads, [keep backups by links,]
// rename, fsync the folders.
void batch_files(const Request& request, Answer& answer, std::size_t threads, bool backups_too) {
  Document document(request.document);
  make_folder(request.folder + "/chunks");
  make_folder(request.folder + "/chunks_bak");
  const Fd chunks = open_folder(request.folder + "/chunks");
  const Fd backups = open_folder(request.folder + "/chunks_bak");
  std::vector<std::string> names;
  for (std::size_t i = 0; i < request.chunks; ++i) {
    names.push_back(chunk_name(i));
    const Fd first = create(chunks, names.back() + ".json");
    write_all(first, document.next());
  }
  check(::syncfs(chunks.get()), "syncfs");
  measure(request, answer, [&] {
    std::vector<Fd> files;
    files.reserve(names.size());
    for (const std::string& name : names) {
      files.push_back(create(chunks, name + ".tmp"));
      write_all(files.back(), document.next());
      check(::sync_file_range(files.back().get(), 0, 0, SYNC_FILE_RANGE_WRITE), "start writing");
    }
    for (const Fd& file : files) {
      check(::sync_file_range(
                file.get(), 0, 0,
                SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER),
            "wait for writing");
    }
    if (threads > 1) {
      on_threads(threads, files.size(), [&](std::size_t i) { sync(files[i]); });
    } else {
      for (const Fd& file : files) sync(file);
    }
    for (const std::string& name : names) {
      if (backups_too) {
        link_to(chunks, name + ".json", backups, name + ".bak.tmp");
        rename_in(backups, name + ".bak.tmp", name + ".bak");
      }
      rename_in(chunks, name + ".tmp", name + ".json");
    }
    if (backups_too) sync(backups);
    sync(chunks);
  });
}

// --- many threads

// A log that many threads append to: whoever comes while one syncs waits for the next sync, which
// one of them does for all.
class SharedLog {
 public:
  explicit SharedLog(Fd file) : file_(std::move(file)) {}

  void append(std::string_view text) {
    std::unique_lock lock(mutex_);
    pending_ += text;
    const std::size_t mine = ++appended_;
    while (durable_ < mine) {
      if (syncing_) {
        changed_.wait(lock);
        continue;
      }
      syncing_ = true;
      std::string group;
      group.swap(pending_);
      const std::size_t last = appended_;
      lock.unlock();
      if (offset_ + group.size() > kLogBytes) offset_ = 0;
      write_all_at(file_, group, offset_);
      sync_data(file_);
      offset_ += group.size();
      lock.lock();
      durable_ = last;
      syncing_ = false;
      changed_.notify_all();
    }
  }

 private:
  static constexpr std::size_t kLogBytes = 8U << 20U;
  const Fd file_;
  std::size_t offset_ = 0;  // belongs to whoever syncs
  std::mutex mutex_;        // guards the rest
  std::condition_variable changed_;
  std::string pending_;
  std::size_t appended_ = 0;
  std::size_t durable_ = 0;
  bool syncing_ = false;
};

void threads_log(const Request& request, Answer& answer) {
  std::vector<Document> documents(request.threads, Document(request.document));
  SharedLog log(create(open_folder(request.folder), "log"));
  measure_threads(request, answer,
                  [&](std::size_t thread) { log.append(documents[thread].next()); });
}

// --- staging and fetching

// Validate with simdjson, copy, write to the page cache.
void stage_simdjson(const Request& request, Answer& answer) {
  constexpr std::size_t kPeriod = 20;
  Document document(request.document);
  const Fd log = create(open_folder(request.folder), "log");
  simdjson::dom::parser parser;
  std::size_t offset = 0;
  measure(
      request, answer,
      [&] {
        const std::string& text = document.next();
        simdjson::padded_string padded(text);
        require(parser.parse(padded).error() == simdjson::SUCCESS, "not JSON");
        write_all_at(log, text, offset);
        offset += text.size();
      },
      [&] {
        sync_data(log);
        offset = 0;
      },
      kPeriod);
}

void stage_nlohmann(const Request& request, Answer& answer) {
  auto value = nlohmann::json::parse(Document(request.document).text());
  std::uint64_t revision = 0;
  std::size_t size = 0;
  measure(request, answer, [&] {
    value["revision"] = ++revision;
    size += value.dump().size();
  });
  require(size > 0, "nothing was dumped");
}

void fetch_xxh3(const Request& request, Answer& answer) {
  const std::string path = request.folder + "/a.json";
  const std::string text = Document(request.document).text();
  write_all(create(open_folder(request.folder), "a.json"), text);
  const XXH128_hash_t expected = XXH3_128bits(text.data(), text.size());
  measure(request, answer, [&] {
    const Fd file(check(::open(path.c_str(), O_RDONLY | O_CLOEXEC), "open"));
    std::string bytes(text.size(), '\0');
    const long count = check(::pread(file.get(), bytes.data(), bytes.size(), 0), "read");
    require(static_cast<std::size_t>(count) == text.size(), "the read was short");
    require(XXH128_isEqual(XXH3_128bits(bytes.data(), bytes.size()), expected) == 1, "wrong bytes");
  });
}

void fetch_nlohmann(const Request& request, Answer& answer) {
  const std::string text = Document(request.document).text();
  measure(request, answer, [&] {
    const auto value = nlohmann::json::parse(text);
    require(value.is_object(), "not an object");
  });
}

// --- a whole project

// Plain files, as if somebody had put them there: chunks/ and chunks_bak/, not synced one by one.
void prepare(const Request& request, Answer& answer) {
  const std::string text = Document(request.document).text();
  make_folder(request.folder + "/chunks");
  make_folder(request.folder + "/chunks_bak");
  const Fd chunks = open_folder(request.folder + "/chunks");
  const Fd backups = open_folder(request.folder + "/chunks_bak");
  for (std::size_t i = 0; i < request.chunks; ++i) {
    write_all(create(chunks, chunk_name(i) + ".json"), text);
    write_all(create(backups, chunk_name(i) + ".bak"), text);
  }
  check(::syncfs(chunks.get()), "syncfs");
  answer.add("chunks", static_cast<double>(request.chunks));
}

void list_twice(const Request& request, Answer& answer) {
  measure(request, answer, [&] {
    std::size_t names = 0;
    for (int turn = 0; turn < 2; ++turn) {
      names += list(request.folder + "/chunks") + list(request.folder + "/chunks_bak");
    }
    require(names > 4 * request.chunks, "names are missing");
  });
}

// The names of one folder, once.
void list_once(const Request& request, Answer& answer) {
  measure(request, answer, [&] {
    require(list(request.folder + "/chunks") >= request.chunks, "names are missing");
  });
}

// All files one behind the other in a new file, uncompressed, fsync.
void archive_plain(const Request& request, Answer& answer) {
  const Fd folder = open_folder(request.folder);
  const std::string text = Document(request.document).text();
  for (std::size_t i = 0; i < request.chunks; ++i) {
    write_all(create(folder, chunk_name(i)), text);
  }
  check(::syncfs(folder.get()), "syncfs");
  measure(
      request, answer,
      [&] {
        const Fd archive = create(folder, "archive");
        std::string bytes(text.size(), '\0');
        std::size_t offset = 0;
        for (std::size_t i = 0; i < request.chunks; ++i) {
          const Fd file(
              check(::openat(folder.get(), chunk_name(i).c_str(), O_RDONLY | O_CLOEXEC), "open"));
          const long count = check(::pread(file.get(), bytes.data(), bytes.size(), 0), "read");
          require(static_cast<std::size_t>(count) == bytes.size(), "the read was short");
          write_all_at(archive, bytes, offset);
          offset += bytes.size();
        }
        sync(archive);
        sync(folder);
      },
      [&] { remove_if_there(folder, "archive"); });
}

using Job = void (*)(const Request&, Answer&);

const std::map<std::string, Job> kJobs = {
    {"log update", update_log},
    {"log edit", edit_log},
    {"file update", update_file},
    {"log batch", batch_log},
    {"files batch", [](const Request& r, Answer& a) { batch_files(r, a, 1, true); }},
    {"files8 batch", [](const Request& r, Answer& a) { batch_files(r, a, 8, false); }},
    {"log threads", threads_log},
    {"log log_stage", stage_log},
    {"log log_update", update_log},
    {"log log_threads", threads_log},
    {"simdjson stage", stage_simdjson},
    {"nlohmann stage", stage_nlohmann},
    {"xxh3 fetch", fetch_xxh3},
    {"nlohmann fetch", fetch_nlohmann},
    {"plain prepare", prepare},
    {"list attach", list_twice},
    {"list list", list_once},
    {"plain checkpoint", archive_plain},
};

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  const bench::Request request = bench::parse(argc, argv);
  const auto job = bench::kJobs.find(request.method + " " + request.work);
  bench::require(job != bench::kJobs.end(), "no floor for this work");
  bench::Answer answer;
  job->second(request, answer);
  answer.print();
}
