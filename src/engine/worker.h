// A thread of an engine.
#pragma once

#include <atomic>
#include <functional>
#include <system_error>
#include <thread>

#include <safechunk/status.hpp>

#include "platform/thread.h"

namespace safechunk {

// start() and stop() are called by one thread at a time; is_current() by any.
class Worker {
 public:
  Worker() = default;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker() { stop(); }

  // Runs `body` on a new thread. `body` must keep this object alive. io_error when the system
  // refuses a thread.
  Status start(std::function<void()> body) {
    stop();
    try {
      const QuietThreads inherited;
      thread_ = std::thread([this, body = std::move(body)] {
        running_.store(std::this_thread::get_id());
        body();
        if (is_current()) running_.store(std::thread::id());
      });
      name_thread(thread_, "safechunk");
    } catch (const std::system_error& error) {
      return Status(ErrorCode::io_error, std::string("cannot start a thread: ") + error.what());
    }
    return {};
  }

  // Waits for the end of `body`, which must have been told to return. Called on the worker itself
  // (from a handler) it only lets go: the thread ends when the handler returns.
  void stop() {
    if (!thread_.joinable()) return;
    if (thread_.get_id() == std::this_thread::get_id()) {
      thread_.detach();
    } else {
      thread_.join();
    }
  }

  [[nodiscard]] bool is_current() const { return running_.load() == std::this_thread::get_id(); }

 private:
  std::thread thread_;
  std::atomic<std::thread::id> running_;
};

}  // namespace safechunk
