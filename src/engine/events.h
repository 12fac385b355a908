// Handlers, and what is delivered to them. Nothing is ever delivered under a lock (G11).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <safechunk/reports.hpp>
#include <safechunk/status.hpp>

namespace safechunk {

// Collected while locks are held, delivered afterwards.
struct Notices {
  struct Notice {
    enum class Kind { status, sync, fault } kind = Kind::status;
    std::string text;
    Error error;
  };
  std::vector<Notice> list;

  void status(std::string text) { list.push_back({Notice::Kind::status, std::move(text), {}}); }
  void sync() { list.push_back({Notice::Kind::sync, {}, {}}); }
  void fault(const Status& status) {
    if (!status.ok()) list.push_back({Notice::Kind::fault, {}, status.error()});
  }
  // Loss, damage and conflicts are faults; the rest is told as status.
  void event(const Event& event);
};

class Events {
 public:
  using StatusHandler = std::function<void(std::string_view)>;
  using SyncHandler = std::function<void()>;
  using FaultHandler = std::function<void(const Error&)>;

  void set_status(StatusHandler handler);
  void set_sync(SyncHandler handler);
  // Delivers the faults that were kept because there was no handler, on this thread.
  void set_fault(FaultHandler handler);

  // Calls the handlers in order, on this thread, with no lock held. What they throw is contained:
  // it becomes a fault of its own, unless the fault handler threw it.
  void deliver(Notices notices);

  [[nodiscard]] std::string last_error() const;

 private:
  void deliver_fault(const Error& error);
  template <typename Call>
  void contain(const char* handler, Call call);

  mutable std::mutex mutex_;  // guards all members
  std::shared_ptr<const StatusHandler> on_status_;
  std::shared_ptr<const SyncHandler> on_sync_;
  std::shared_ptr<const FaultHandler> on_fault_;
  std::vector<Error> pending_faults_;
  std::size_t dropped_faults_ = 0;  // there were too many to keep
  std::string last_error_;
};

}  // namespace safechunk
