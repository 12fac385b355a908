// Readiness by eventfd(2).

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "platform/posix_descriptor.h"
#include "platform/posix_error.h"
#include "platform/readiness.h"

namespace safechunk {
namespace {

class LinuxReadiness final : public Readiness {
 public:
  LinuxReadiness() : event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

  void set() noexcept override {
    const std::uint64_t one = 1;
    (void)!::write(event_.get(), &one, sizeof one);  // EAGAIN: it is set
  }
  void clear() noexcept override {
    std::uint64_t count = 0;
    (void)!::read(event_.get(), &count, sizeof count);  // EAGAIN: it is not set
  }
  [[nodiscard]] int descriptor() const override { return event_.get(); }

 private:
  const Descriptor event_;
};

}  // namespace

Result<std::unique_ptr<Readiness>> new_readiness() {
  auto readiness = std::make_unique<LinuxReadiness>();
  if (readiness->descriptor() < 0) return status_from_errno(errno, "make a descriptor", "");
  return std::unique_ptr<Readiness>(std::move(readiness));
}

}  // namespace safechunk
