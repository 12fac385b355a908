// What belongs to a chunk's file besides its bytes: the stamp that tells rot from edits (G5, G6),
// and the mode (G14).

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "engine/engine_meddling.h"

namespace safechunk::test {
namespace {

// Two versions of a chunk, of which the newer one has rotted into other JSON: only its stamp tells.
class EngineRottenChunk : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* text : {"[1111]", "[2222]"}) {
      put(engine_, "a", text);
      save(engine_);
    }
    // So that the engine knows the file no more, and has to look at it.
    EXPECT_TRUE(engine_.detach().ok());
    rot(machine_.files, "a", 6, '9');
    EXPECT_TRUE(engine_.attach().ok());
  }

  Machine machine_;
  SafeChunkEngine engine_ = machine_.engine();
};

// G6. Kills: taking a stamp that cannot be read for one that is not there.
TEST_F(EngineRottenChunk, IsNotReturnedWhenItsStampCannotBeReadForAMoment) {
  {
    const FailingOnce fault(machine_.files, "attribute", "chunks/a.json", EIO);
    const auto text = engine_.fetch_chunk("a");
    EXPECT_TRUE(fault.happened());
    EXPECT_TRUE(!text || *text == "[\n    1111\n]\n") << *text;
  }
  EXPECT_EQ(engine_.fetch_chunk("a").value(), "[\n    1111\n]\n");
}

// G5. Kills: the same, which makes the rotten version the backup.
TEST_F(EngineRottenChunk, IsNoBackupWhenItsStampCannotBeReadForAMoment) {
  put(engine_, "a", "[3333]");
  {
    const FailingOnce fault(machine_.files, "attribute", "chunks/a.json", EIO);
    (void)engine_.force_sync();
    EXPECT_TRUE(fault.happened());
    EXPECT_EQ(machine_.file("chunks_bak/a.bak"), "[\n    1111\n]\n");
  }
  save(engine_);
  EXPECT_EQ(machine_.chunk("a"), "[\n    3333\n]\n");
  EXPECT_EQ(machine_.file("chunks_bak/a.bak"), "[\n    1111\n]\n");
}

// --- modes (G14)

void make_private(Machine& machine, const char* name) {
  const auto chunks = machine.files.open_directory("/project/chunks").value();
  const auto file = chunks->open(name, OpenMode::read_write).value();
  file->set_permissions({0600, 0, 0}).throw_if_error();
}
std::uint32_t mode_of(Machine& machine, const char* name) {
  return machine.files.open_directory("/project/chunks")
      .value()
      ->stat(name)
      .value()
      .permissions.mode;
}

// Kills: a damaged file that takes the backup's mode when it is healed, or the umask's when it
// is saved over.
TEST(EngineMode, OfADamagedFileStays) {
  for (const bool heals : {true, false}) {
    Machine machine;
    auto engine = machine.engine();
    for (const char* text : {"1", "2"}) {
      put(engine, "a", text);
      save(engine);
    }
    make_private(machine, "a.json");
    machine.write("chunks", "a.json", "[gar");
    if (heals) {
      EXPECT_EQ(engine.fetch_chunk("a").value(), "2\n");
    } else {
      put(engine, "a", "3");
      save(engine);
    }
    EXPECT_EQ(machine.chunk("a"), heals ? "2\n" : "3\n");
    EXPECT_EQ(mode_of(machine, "a.json"), 0600U);
  }
}

// Kills: a copied backup that has lost its place in the journal's order.
TEST(EngineStamp, OfABackupThatIsACopyIsThatOfTheFile) {
  Machine machine(true, false);
  auto engine = machine.engine();
  put(engine, "a", "1");
  save(engine);
  const auto stamp_in = [&](const char* folder, const char* name) {
    const auto opened = machine.files.open_directory(std::string("/project/") + folder).value();
    const auto file = opened->open(name, OpenMode::read).value();
    return Stamp::decode(file->attribute(Stamp::kAttribute).value(), "a").value();
  };
  const Stamp before = stamp_in("chunks", "a.json");
  put(engine, "a", "2");
  save(engine);
  const Stamp copied = stamp_in("chunks_bak", "a.bak");
  EXPECT_GT(copied.sequence, 0U);
  EXPECT_EQ(copied.sequence, before.sequence);
  EXPECT_EQ(copied.journal_token, before.journal_token);
}

// A private chunk with a backup, of which the file is lost.
void lose_a_private_file(Machine& machine, SafeChunkEngine& engine) {
  put(engine, "a", "1");
  save(engine);
  make_private(machine, "a.json");
  put(engine, "a", "2");
  save(engine);
  ASSERT_EQ(mode_of(machine, "a.json"), 0600U);
  remove_file(machine.files, "chunks", "a.json");
}

// Kills: a private chunk that is written anew as the umask says, because its file is missing: the
// backup has the mode.
TEST(EngineMode, SurvivesTheLossOfTheFile) {
  Machine machine;
  auto engine = machine.engine();
  lose_a_private_file(machine, engine);
  put(engine, "a", "3");
  save(engine);
  EXPECT_EQ(machine.chunk("a"), "3\n");
  EXPECT_EQ(mode_of(machine, "a.json"), 0600U);
}

// Kills: the same, because the backup could not be looked at for a moment.
TEST(EngineMode, SurvivesTheLossOfTheFileAndABackupThatCannotBeLookedAt) {
  bool happened = true;
  int nth = 1;
  for (; happened; ++nth) {
    Machine machine;
    auto engine = machine.engine();
    lose_a_private_file(machine, engine);
    {
      const FailingOnce fault(machine.files, "stat", "chunks_bak/a.bak", EIO, nth);
      (void)engine.stage_update("3", "a");
      (void)engine.force_sync();
      happened = fault.happened();
    }
    put(engine, "a", "3");
    save(engine);
    EXPECT_EQ(machine.chunk("a"), "3\n");
    EXPECT_EQ(mode_of(machine, "a.json"), 0600U) << "look " << nth << " at the backup failed";
  }
  EXPECT_GT(nth, 2) << "nobody looked at the backup";
}

}  // namespace
}  // namespace safechunk::test
