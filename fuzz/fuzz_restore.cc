// Any bytes as an archive in checkpoints/: listed, verified and restored without harm, and
// afterwards the project is what it was, or what the archive holds as a whole.

#include <map>
#include <optional>
#include <string>

#include "fuzz_support.h"
#include "json/scan.h"
#include "storage/checkpoints/archive_store.h"
#include "support/sim_file_system.h"
#include "support/workload.h"

using namespace safechunk;
using namespace safechunk::test;

namespace {

constexpr const char* kArchive = "checkpoint_fuzz_20200101_000000.zip";

// The compact texts in the archive; nothing when it is refused.
std::optional<ProjectState> content_of(SimFileSystem& file_system, const TextSettings& settings) {
  auto folder = file_system.open_directory("/project/checkpoints").value();
  ProjectState state;
  const Status status = read_checkpoint(
      *folder, kArchive, settings, {},
      [&](const std::string& chunk, std::string_view bytes, std::uint32_t) -> Status {
        std::string compact;
        Status read =
            json::compact(bytes, {.depth_limit = settings.depth_limit, .lenient = true}, compact);
        require(read.ok());
        state[chunk] = compact;
        return {};
      });
  if (!status) return std::nullopt;
  return state;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  SimFileSystem file_system;
  SharedHistory history;
  Session session(file_system, history, Durability::file);
  require(session.put("kept", "[1]").ok() && session.put("alice", "2").ok() && session.sync().ok());
  const ProjectState before = session.state();
  {
    auto folder = file_system.open_directory("/project/checkpoints").value();
    auto file = folder->open(kArchive, OpenMode::create_exclusive, 0644).value();
    if (size > 0) require(file->write_at(0, as_text(data, size)).value() == size);
  }
  SafeChunkEngine& engine = session.engine();
  require(engine.list_checkpoints().value().size() == 1);
  const EngineOptions options = crash_test_options(Durability::file);
  const TextSettings settings{.size_limit = options.chunk_size_limit,
                              .depth_limit = options.depth_limit,
                              .indent = options.indent};
  const auto content = content_of(file_system, settings);
  require(engine.verify_checkpoint(kArchive).ok() == content.has_value());
  const bool restored = engine.restore_checkpoint(kArchive).ok();
  require(content || !restored);
  const ProjectState after = session.state();
  require(after == (restored ? *content : before));
  require(engine.detach().ok());
  Session next(file_system, history, Durability::file, 7);
  require(next.engine().is_active() && next.state() == after);
  return 0;
}
