// The bare system calls that the floors are made of. Every error ends the program.
#pragma once

#include <string>
#include <string_view>

namespace bench {

// Owns a file descriptor.
class Fd {
 public:
  explicit Fd(long number) : number_(static_cast<int>(number)) {}
  Fd(Fd&& other) noexcept : number_(other.number_) { other.number_ = -1; }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  Fd& operator=(Fd&&) = delete;
  ~Fd();
  [[nodiscard]] int get() const { return number_; }
  void close();

 private:
  int number_;
};

Fd open_folder(const std::string& path);
void make_folder(const std::string& path);
Fd create(const Fd& folder, const std::string& name);  // exclusively
void write_all(const Fd& file, std::string_view bytes);
void write_all_at(const Fd& file, std::string_view bytes, std::size_t offset);
void sync(const Fd& file);       // fsync
void sync_data(const Fd& file);  // fdatasync
void rename_in(const Fd& folder, const std::string& from, const std::string& to);
void link_to(const Fd& from_folder, const std::string& from, const Fd& to_folder,
             const std::string& to);
void remove_if_there(const Fd& folder, const std::string& name);
// The number of entries.
std::size_t list(const std::string& path);

}  // namespace bench
