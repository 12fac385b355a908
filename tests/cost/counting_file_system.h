// A file system that counts what its callers ask of it, and does not count what it allocates
// itself.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "support/forwarding_file_system.h"

namespace safechunk::test {

// Of one thread.
struct Costs {
  std::uint64_t calls = 0;        // of the verbs of FileSystem, Directory and File
  std::uint64_t syncs = 0;        // fsync and fdatasync among them
  std::uint64_t bytes = 0;        // written
  std::uint64_t allocations = 0;  // by operator new
};

// The running costs of this thread. Allocations count while `counting` is true.
inline thread_local Costs costs;
inline thread_local bool counting = false;
inline thread_local bool was_counting = false;

class CountingFileSystem final : public ForwardingFileSystem {
 public:
  using ForwardingFileSystem::ForwardingFileSystem;

 private:
  void before(const char* verb, const std::string& /*name*/, std::size_t bytes) override {
    was_counting = counting;
    counting = false;
    const std::string_view called(verb);
    if (called == "~File") return;
    ++costs.calls;
    costs.bytes += bytes;
    if (called == "sync" || called == "sync_data") ++costs.syncs;
  }
  void after(const char* /*verb*/, const std::string& /*name*/) override {
    counting = was_counting;
  }
};

}  // namespace safechunk::test
