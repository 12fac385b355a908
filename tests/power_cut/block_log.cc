// A disk in memory that remembers the order of its writes and flushes, served through FUSE: what a
// loop device over it sends is what a real disk with a volatile cache would get.
//
// usage: block_log -f -s MOUNTPOINT
//
//   disk     the disk; every write is logged, fsync is a flush of the cache
//   view     what a power cut left: the disk at one moment, with any part of the writes since the
//   last
//            flush lost or torn; writes to it are forgotten at the next view
//   control  takes "mark" (remember this moment, numbered from 0) and "view MARK SEED". Marks have
//   to
//            be viewed in ascending order.
#define FUSE_USE_VERSION 31
#include <fuse.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace {

constexpr std::uint64_t kDiskBytes = 512ULL << 20U;
constexpr std::size_t kBlock = 4096;
// What a power cut does not tear: ext4 cannot be mounted when the 4 KiB with its superblock are
// torn.
constexpr std::size_t kAtomic = 4096;
using Block = std::array<char, kBlock>;

class Image {
 public:
  explicit Image(const Image* below = nullptr) : below_(below) {}

  void write(std::uint64_t offset, std::string_view bytes) {
    while (!bytes.empty()) {
      const std::size_t start = offset % kBlock;
      const std::size_t count = std::min(bytes.size(), kBlock - start);
      std::memcpy(own(offset / kBlock).data() + start, bytes.data(), count);
      bytes.remove_prefix(count);
      offset += count;
    }
  }

  void read(std::uint64_t offset, char* out, std::size_t size) const {
    while (size > 0) {
      const std::size_t start = offset % kBlock;
      const std::size_t count = std::min(size, kBlock - start);
      const Block* block = find(offset / kBlock);
      if (block == nullptr) {
        std::memset(out, 0, count);
      } else {
        std::memcpy(out, block->data() + start, count);
      }
      out += count;
      offset += count;
      size -= count;
    }
  }

  void clear() { blocks_.clear(); }

 private:
  [[nodiscard]] const Block* find(std::uint64_t number) const {
    const auto found = blocks_.find(number);
    if (found != blocks_.end()) return found->second.get();
    return below_ == nullptr ? nullptr : below_->find(number);
  }

  Block& own(std::uint64_t number) {
    auto& block = blocks_[number];
    if (!block) {
      block = std::make_unique<Block>();
      const Block* old = below_ == nullptr ? nullptr : below_->find(number);
      if (old != nullptr) {
        *block = *old;
      } else {
        block->fill(0);
      }
    }
    return *block;
  }

  const Image* below_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Block>> blocks_;
};

class Disk {
 public:
  Image& now() { return now_; }
  Image& view() { return view_; }

  void write(std::uint64_t offset, std::string_view bytes) {
    now_.write(offset, bytes);
    log_.push_back({offset, std::string(bytes)});
  }
  void flush() { flushes_.push_back(end()); }

  int command(std::string_view text) {
    unsigned long long mark = 0;
    unsigned long long seed = 0;
    if (text == "mark") {
      marks_.push_back({end(), flushes_.empty() ? 0 : flushes_.back()});
      return 0;
    }
    if (std::sscanf(std::string(text).c_str(), "view %llu %llu", &mark, &seed) != 2) return -EINVAL;
    if (mark >= marks_.size() || marks_[mark].flushed < begin_) return -EINVAL;
    show(marks_[mark], seed);
    return 0;
  }

 private:
  struct Write {
    std::uint64_t offset;
    std::string bytes;
  };
  // Positions in the log, counted from the first write of all.
  struct Mark {
    std::uint64_t end;
    std::uint64_t flushed;
  };

  [[nodiscard]] std::uint64_t end() const { return begin_ + log_.size(); }

  void show(const Mark& mark, std::uint64_t seed) {
    for (; begin_ < mark.flushed; ++begin_) {
      flushed_.write(log_.front().offset, log_.front().bytes);
      log_.pop_front();
    }
    view_.clear();
    std::mt19937_64 random(seed);
    // How much of what was not flushed has reached the disk: nothing, anything, nearly all, all.
    static constexpr std::array<unsigned, 4> kPercent = {0, 50, 90, 100};
    const unsigned percent = kPercent[random() % kPercent.size()];
    for (std::uint64_t i = begin_; i < mark.end; ++i) {
      const Write& write = log_[i - begin_];
      if (random() % 100 < percent) {
        view_.write(write.offset, write.bytes);
      } else if (percent != 0 && random() % 4 == 0) {
        for (std::size_t at = 0; at < write.bytes.size(); at += kAtomic) {
          if (random() % 2 == 0) continue;
          view_.write(write.offset + at, std::string_view(write.bytes).substr(at, kAtomic));
        }
      }
    }
  }

  Image now_;
  Image flushed_;  // as of begin_
  Image view_{&flushed_};
  std::deque<Write> log_;
  std::uint64_t begin_ = 0;
  std::vector<std::uint64_t> flushes_;
  std::vector<Mark> marks_;
};

Disk& disk() {
  static Disk instance;
  return instance;
}

enum class Node { root, disk, view, control, none };

Node node_of(std::string_view path) {
  if (path == "/") return Node::root;
  if (path == "/disk") return Node::disk;
  if (path == "/view") return Node::view;
  if (path == "/control") return Node::control;
  return Node::none;
}

int get_attributes(const char* path, struct stat* out, fuse_file_info*) {
  *out = {};
  switch (node_of(path)) {
    case Node::root:
      out->st_mode = S_IFDIR | 0700U;
      out->st_nlink = 2;
      return 0;
    case Node::disk:
    case Node::view:
      out->st_size = static_cast<off_t>(kDiskBytes);
      [[fallthrough]];
    case Node::control:
      out->st_mode = S_IFREG | 0600U;
      out->st_nlink = 1;
      return 0;
    case Node::none:
      break;
  }
  return -ENOENT;
}

int list_folder(const char* path, void* buffer, fuse_fill_dir_t fill, off_t, fuse_file_info*,
                fuse_readdir_flags) {
  if (node_of(path) != Node::root) return -ENOTDIR;
  for (const char* name : {"disk", "view", "control"}) {
    if (fill(buffer, name, nullptr, 0, static_cast<fuse_fill_dir_flags>(0)) != 0) return -ENOMEM;
  }
  return 0;
}

int open_file(const char* path, fuse_file_info* info) {
  if (node_of(path) == Node::none) return -ENOENT;
  info->direct_io = 1;  // the disk changes under the kernel's feet
  return 0;
}

int read_file(const char* path, char* out, std::size_t size, off_t offset, fuse_file_info*) {
  const auto start = static_cast<std::uint64_t>(offset);
  if (start >= kDiskBytes) return 0;
  size = std::min<std::uint64_t>(size, kDiskBytes - start);
  switch (node_of(path)) {
    case Node::disk:
      disk().now().read(start, out, size);
      return static_cast<int>(size);
    case Node::view:
      disk().view().read(start, out, size);
      return static_cast<int>(size);
    default:
      return 0;
  }
}

int write_file(const char* path, const char* bytes, std::size_t size, off_t offset,
               fuse_file_info*) {
  const auto start = static_cast<std::uint64_t>(offset);
  switch (node_of(path)) {
    case Node::control: {
      const int error = disk().command({bytes, size});
      return error == 0 ? static_cast<int>(size) : error;
    }
    case Node::disk:
    case Node::view:
      if (start > kDiskBytes || size > kDiskBytes - start) return -ENOSPC;
      if (node_of(path) == Node::disk) {
        disk().write(start, {bytes, size});
      } else {
        disk().view().write(start, {bytes, size});
      }
      return static_cast<int>(size);
    default:
      return -EISDIR;
  }
}

int flush_cache(const char* path, int, fuse_file_info*) {
  if (node_of(path) == Node::disk) disk().flush();
  return 0;
}

int truncate_file(const char* path, off_t size, fuse_file_info*) {
  if (node_of(path) == Node::control) return 0;
  return size == static_cast<off_t>(kDiskBytes) ? 0 : -EPERM;
}

}  // namespace

int main(int argc, char** argv) {
  fuse_operations operations{};
  operations.getattr = get_attributes;
  operations.readdir = list_folder;
  operations.open = open_file;
  operations.read = read_file;
  operations.write = write_file;
  operations.fsync = flush_cache;
  operations.truncate = truncate_file;
  return fuse_main(argc, argv, &operations, nullptr);
}
