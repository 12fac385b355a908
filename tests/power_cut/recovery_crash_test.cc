// A process dies, and the power is cut while the next one recovers: what the journal showed to the
// first recovery must be there for the second (found by docs/models/commit.pml).

#include <gtest/gtest.h>

#include "support/place.h"
#include "support/sim_file_system.h"
#include "support/workload.h"

namespace safechunk::test {
namespace {

ProjectState attach_and_read(SimFileSystem& file_system, std::uint64_t token) {
  SharedHistory unused;
  Session session(file_system, unused, Durability::file, token);
  EXPECT_TRUE(session.engine().is_active()) << session.engine().status().to_text();
  ProjectState state = session.state();
  file_system.kill();
  return state;
}

std::string text_of(const ProjectState& state) {
  std::string text;
  for (const auto& [chunk, value] : state) text += chunk + "=" + value.substr(0, 4) + " ";
  return text;
}

// Long enough that a power cut may take one record and leave another.
std::string long_text(char c) {
  return '"' + std::string(3000, c) + '"';
}

// Chunk a is led away and back to what its file has, so recovery has nothing to do for it, and
// commits b alone. When a part of the journal is lost then, a must not end half way beside a new b.
TEST(RecoveryCrash, LosesNoRecordsThatShowedNothingWasToBeDone) {
  if (const char* reason = no_several_chunks()) GTEST_SKIP() << reason;
  SimFileSystem file_system;
  SharedHistory shared;
  {
    Session session(file_system, shared, Durability::file);
    ASSERT_TRUE(session.put("a", long_text('1')).ok());
    ASSERT_TRUE(session.sync().ok());
    ASSERT_TRUE(session.put("a", long_text('2')).ok());
    ASSERT_TRUE(session.put("a", long_text('1')).ok());
    ASSERT_TRUE(session.put("b", long_text('5')).ok());
    file_system.kill();
  }
  const History history = shared.snapshot();
  const auto killed = file_system.crash_clone(0, CrashModel::process);
  std::size_t judged = 0;
  killed->set_hook([&](const SimCall& call) -> std::optional<int> {
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
      auto cut = killed->crash_clone(call.number * 1000 + seed, CrashModel::strict);
      const ProjectState state = attach_and_read(*cut, 300);
      EXPECT_TRUE(history.allows(state, true))
          << "call " << call.number << " " << call.verb << " " << call.path << ", seed " << seed
          << ": { " << text_of(state) << "}";
      ++judged;
    }
    return std::nullopt;
  });
  EXPECT_TRUE(history.allows(attach_and_read(*killed, 200), false));
  EXPECT_GT(judged, 1000U);
  std::printf("%zu power cuts during a recovery judged\n", judged);
}

}  // namespace
}  // namespace safechunk::test
