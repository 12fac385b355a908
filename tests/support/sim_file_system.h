// A file system in memory that knows what is durable, for crash and fault tests.
//
// Every inode has durable contents and writes that were not synced; every folder operation is
// pending until its folder is synced. What an fsync of a file that failed should have made durable
// no later fsync of that file does, unless it is written again: the kernel has marked it clean.
// crash_clone() gives an independent file system in one of the states that a crash may leave. A
// hook sees every call before it is carried out, and may fail it. The hook and contents() name
// paths as a project has them, whatever the place (place.h), whose folder is there from the
// beginning.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "platform/file_system.h"
#include "support/place.h"

namespace safechunk::test {

enum class CrashModel {
  process,  // the process dies, the machine goes on: nothing is lost
  ordered,  // power cut; folder operations survive as any prefix of their order (ext4, xfs)
  strict,   // power cut; any subset of the folder operations survives
};

// One call, as the hook sees it.
struct SimCall {
  std::string verb;        // the name of the member function
  std::string path;        // relative to the root, for instance "project/chunks/a.749b0e0d.tmp"
  std::string target;      // of rename and link: the new path
  std::size_t number = 0;  // counted from 0

  [[nodiscard]] bool moves_bytes() const {
    return verb == "read_at" || verb == "write_at" || verb == "append";
  }
};

class SimFileSystem final : public FileSystem {
 public:
  // An errno fails the call with it. The hook runs before the call, outside of any lock.
  using Hook = std::function<std::optional<int>(const SimCall&)>;
  // What the hook may say instead of an errno: a read or write moves half of the bytes only (one
  // byte whole), or a write stores none. Other calls go on as ever.
  static constexpr int kShort = -1;
  static constexpr int kStoresNothing = -2;

  // Without links, as on FAT, names cannot be exchanged either.
  explicit SimFileSystem(bool attributes_supported = true, bool links_supported = true);
  ~SimFileSystem() override;

  Result<std::string> absolute_path(const std::string& path) override;
  Result<std::unique_ptr<Directory>> open_directory(const std::string& absolute) override;

  void set_hook(Hook hook);
  // From now on every call fails at once, and nothing changes: the process is dead.
  void kill();
  [[nodiscard]] std::size_t calls() const;

  // What a crash at this moment may leave. The same seed gives the same state. In process order
  // and for `process` there is just one.
  [[nodiscard]] std::unique_ptr<SimFileSystem> crash_clone(std::uint64_t seed,
                                                           CrashModel model) const;

  // Everything that is visible, by path; folders end in a slash and have no contents. Times and
  // attributes are left out.
  [[nodiscard]] std::map<std::string, std::string> contents() const;
  // A digest of what a program finds from the root: names, contents, attributes, and which names
  // are one file. Times, modes and the numbers of inodes are left out.
  [[nodiscard]] std::string fingerprint() const;

  struct Inode;
  struct State;

 private:
  explicit SimFileSystem(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace safechunk::test
