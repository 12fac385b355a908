// Disks that have as much room as a test leaves on them; only after private_mounts() gave no reason
// against mounts.
#pragma once

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "support/child_process.h"
#include "support/place.h"
#include "support/real_disk.h"

namespace safechunk::test {

inline constexpr std::uint64_t kPage = 4096;

class SmallDisk {
 public:
  SmallDisk() = default;
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  virtual ~SmallDisk() = default;

  [[nodiscard]] virtual std::filesystem::path path() const = 0;
  // So many free pages are left beside what is in use.
  virtual void leave_pages(std::uint64_t pages) = 0;
  virtual void make_room() = 0;

  [[nodiscard]] EngineOptions options() const {
    EngineOptions options;
    options.base_dir = path().string();
    options.debounce_delay = std::chrono::hours(1);  // only force_sync and retries commit
    options.max_delay = std::chrono::hours(1);
    return in_this_place(options);
  }
  [[nodiscard]] std::string file(const std::string& name) const {
    return read_file(path() / lies_at("project/" + name));
  }

 protected:
  [[nodiscard]] struct statvfs space() const {
    struct statvfs info {};
    EXPECT_EQ(::statvfs(path().c_str(), &info), 0);
    return info;
  }
};

// A file system in memory whose size can be changed while it is mounted.
class MemoryPages final : public SmallDisk {
 public:
  MemoryPages() {
    if (::mount("none", folder_.path().c_str(), "tmpfs", 0, sizes(kPlenty, kManyInodes).c_str()) !=
        0) {
      throw std::runtime_error(std::string("mount: ") + std::strerror(errno));
    }
    make_folder_of_place(folder_.path());
    // Something must be in use: a size of 0 would mean no limit.
    write_file(folder_ / "ballast", "x");
  }
  ~MemoryPages() override { ::umount2(folder_.path().c_str(), MNT_DETACH); }

  [[nodiscard]] std::filesystem::path path() const override { return folder_.path(); }
  void leave_pages(std::uint64_t pages) override { leave(pages, kManyInodes); }
  void make_room() override { remount(0, sizes(kPlenty, kManyInodes)); }

  void leave(std::uint64_t pages, std::uint64_t inodes) const {
    const struct statvfs info = space();
    const std::uint64_t used_pages = (info.f_blocks - info.f_bfree) * info.f_frsize / kPage;
    const std::uint64_t used_inodes = info.f_files - info.f_ffree;
    remount(0, sizes((used_pages + pages) * kPage, used_inodes + inodes));
  }
  void leave_inodes(std::uint64_t inodes) const { leave(kPlenty / kPage, inodes); }
  void make_read_only() const { remount(MS_RDONLY, sizes(kPlenty, kManyInodes)); }

 private:
  static constexpr std::uint64_t kPlenty = 64ULL << 20U;
  static constexpr std::uint64_t kManyInodes = 10'000;

  static std::string sizes(std::uint64_t bytes, std::uint64_t inodes) {
    return "size=" + std::to_string(bytes) + ",nr_inodes=" + std::to_string(inodes);
  }
  void remount(unsigned long flags, const std::string& options) const {
    ASSERT_EQ(::mount("none", folder_.path().c_str(), "tmpfs", flags | MS_REMOUNT, options.c_str()),
              0)
        << options << ": " << std::strerror(errno);
  }
  TemporaryFolder folder_;
};

// ext4 in an image, filled by a file that takes the room. It allocates late: what was written may
// find no room when it is synced.
class LoopImage final : public SmallDisk {
 public:
  LoopImage() : mounted_(make_image(folder_ / "image"), "ext4", "delalloc") {
    filler_.emplace(path() / "filler", O_RDWR | O_CREAT);
  }

  [[nodiscard]] std::filesystem::path path() const override { return mounted_.path(); }

  void leave_pages(std::uint64_t pages) override {
    ASSERT_EQ(::syncfs(filler_->get()), 0);
    for (std::uint64_t left = space().f_bavail; left > pages; left = space().f_bavail) {
      filled_ += (left - pages) * kPage;
      ASSERT_EQ(::posix_fallocate(filler_->get(), 0, static_cast<off_t>(filled_)), 0);
    }
  }
  void make_room() override {
    ASSERT_EQ(::ftruncate(filler_->get(), 0), 0);
    filled_ = 0;
    ASSERT_EQ(::syncfs(filler_->get()), 0);  // only then other files can have it
  }
  void remove_project() {
    make_room();
    std::filesystem::remove_all(path() / "project");
    make_folder_of_place(path());
    ASSERT_EQ(::syncfs(filler_->get()), 0);
  }

 private:
  static std::string make_image(const std::filesystem::path& image) {
    write_file(image, "");
    std::filesystem::resize_file(image, 32U << 20U);
    run(std::string(kMakeExt4) + " -b 4096 -m 0 " + image.string());
    return image.string();
  }

  TemporaryFolder folder_;
  Mounted mounted_;
  std::uint64_t filled_ = 0;
  std::optional<Descriptor> filler_;  // closed before the image is unmounted
};

}  // namespace safechunk::test
