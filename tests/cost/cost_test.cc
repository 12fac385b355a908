// The cost of each operation, counted and not timed: calls, fsyncs, bytes and allocations on the
// thread of the caller. The table is that of docs/PERFORMANCE.md, so that it stays true.
//
// Kills: an fsync more, a read that was not there, a copy of the text.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <new>
#include <sstream>
#include <string>
#include <vector>

#include "cost/counting_file_system.h"
#include "engine/engine_bench.h"

void* operator new(std::size_t size) {
  if (safechunk::test::counting) ++safechunk::test::costs.allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace safechunk::test {
namespace {

// Compact JSON of about that size, different for each `revision`.
std::string document(std::size_t size, int revision) {
  std::string text = "{\"revision\":" + std::to_string(1000 + revision) + ",\"users\":[0";
  while (text.size() + 40 < size) text += ",{\"name\":\"Alice\",\"balance\":1.10}";
  return text + "]}";
}

void must(const Status& status) {
  status.throw_if_error();
}

// A project of which one operation is measured.
class Bench {
 public:
  explicit Bench(Durability durability = Durability::file)
      : counting_files_(machine_.files), engine_(construct(durability)) {}

  static std::string name(int number) { return "chunk_" + std::to_string(100 + number); }

  SafeChunkEngine& engine() { return engine_; }
  void stage(std::size_t size, const std::string& chunk = name(0)) {
    must(engine_.stage_update(std::string_view(document(size, ++revision_)), chunk));
  }
  void save(std::size_t size, int chunks = 1) {
    for (int i = 0; i < chunks; ++i) stage(size, name(i));
    must(engine_.force_sync());
  }
  template <typename Operation>
  Costs measure(Operation operation) {
    const Costs before = costs;
    counting = true;
    operation();
    counting = false;
    return {costs.calls - before.calls, costs.syncs - before.syncs, costs.bytes - before.bytes,
            costs.allocations - before.allocations};
  }
  // Staging without the making of the document.
  Costs measure_stage(std::size_t size) {
    const std::string text = document(size, ++revision_);
    return measure([&] { must(engine_.stage_update(std::string_view(text), name(0))); });
  }

 private:
  SafeChunkEngine construct(Durability durability) {
    EngineOptions options;
    options.base_dir = "/";
    options.durability = durability;
    return EngineAccess::construct("project", options,
                                   {counting_files_, machine_.clock, machine_.process});
  }
  Machine machine_;
  CountingFileSystem counting_files_;
  SafeChunkEngine engine_;
  int revision_ = 0;
};

std::string row(const std::string& operation, const Costs& cost) {
  std::ostringstream text;
  text << "| " << operation << " | " << cost.calls << " | " << cost.syncs << " | " << cost.bytes
       << " | " << cost.allocations << " |";
  return text.str();
}

std::vector<std::string> measure_all() {
  std::vector<std::string> rows;
  const auto add = [&](const std::string& operation, const Costs& cost) {
    rows.push_back(row(operation, cost));
  };
  for (const std::size_t size : {std::size_t{1000}, std::size_t{100'000}}) {
    const std::string kb = std::to_string(size / 1000) + " KB";
    Bench bench;
    bench.save(size);
    bench.save(size);
    add("`stage_update`, " + kb + ", the first since it was saved", bench.measure_stage(size));
    bench.stage(size);
    add("`stage_update`, " + kb, bench.measure_stage(size));
    must(bench.engine().force_sync());
    bench.stage(size);
    add("`force_sync`, " + kb, bench.measure([&] { must(bench.engine().force_sync()); }));
    must(bench.engine().stage_value(Bench::name(0), "/new", "1"));
    must(bench.engine().force_sync());
    add("`stage_value`, in " + kb + ", the first since it was saved",
        bench.measure([&] { must(bench.engine().stage_value(Bench::name(0), "/new", "2")); }));
    add("`stage_value`, in " + kb,
        bench.measure([&] { must(bench.engine().stage_value(Bench::name(0), "/new", "3")); }));
    must(bench.engine().force_sync());
    add("`fetch_chunk`, " + kb,
        bench.measure([&] { must(bench.engine().fetch_chunk(Bench::name(0)).status()); }));
  }
  {
    Bench bench(Durability::journal);
    bench.save(1000);
    bench.stage(1000);
    add("`force_sync`, `Durability::journal`",
        bench.measure([&] { must(bench.engine().force_sync()); }));
  }
  {
    Bench bench;
    bench.save(1000, 100);
    for (int i = 0; i < 100; ++i) bench.stage(1000, Bench::name(i));
    add("`force_sync`, 100 chunks of 1 KB",
        bench.measure([&] { must(bench.engine().force_sync()); }));
    add("`list_chunks`, 100 chunks",
        bench.measure([&] { must(bench.engine().list_chunks().status()); }));
    must(bench.engine().detach());
    add("`attach`, 100 chunks", bench.measure([&] { must(bench.engine().attach()); }));
    add("`detach`, nothing staged", bench.measure([&] { must(bench.engine().detach()); }));
  }
  return rows;
}

// The rows of the table between its head and the next empty line.
std::vector<std::string> table_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> rows;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("| operation |")) {
      inside = std::getline(file, line).good();
    } else if (inside && line.empty()) {
      break;
    } else if (inside) {
      rows.push_back(line);
    }
  }
  return rows;
}

// The numbers of a row, the last of them that of the allocations.
std::vector<std::uint64_t> numbers_of(const std::string& row) {
  std::vector<std::uint64_t> numbers;
  std::istringstream cells(row.substr(row.find('|', 1) + 1));
  for (std::string cell; std::getline(cells, cell, '|');) {
    numbers.push_back(std::strtoull(cell.c_str(), nullptr, 10));
  }
  return numbers;
}

// Calls, fsyncs and bytes are exact. Allocations depend on the standard library, too: a twentieth
// more or less, and at least two, is the same.
bool same_cost(const std::string& expected, const std::string& row) {
  const auto wanted = numbers_of(expected);
  const auto found = numbers_of(row);
  if (expected.substr(0, expected.find('|', 1)) != row.substr(0, row.find('|', 1)) ||
      wanted.size() != 4 || found.size() != 4) {
    return false;
  }
  const std::uint64_t tolerance = std::max<std::uint64_t>(2, wanted[3] / 20);
  return std::equal(wanted.begin(), wanted.begin() + 3, found.begin()) &&
         found[3] <= wanted[3] + tolerance && wanted[3] <= found[3] + tolerance;
}

TEST(Cost, IsWhatThePageSays) {
  const auto rows = measure_all();
  std::string all;
  for (const std::string& one : rows) all += one + "\n";
  const auto page = table_of(SAFECHUNK_COST_PAGE);
  EXPECT_TRUE(std::equal(page.begin(), page.end(), rows.begin(), rows.end(), same_cost))
      << "The costs of docs/PERFORMANCE.md are not these:\n"
      << all << "When the change is meant, put these rows there, and say why in the commit.";
}

}  // namespace
}  // namespace safechunk::test
