// What a process has once, and a forked child has anew: a child must not touch what another thread
// of its parent was just changing.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace safechunk {

// `Value` is made when it is first asked for, and never destroyed: engines may live until the
// process ends. That of a parent stays reachable in its children.
// Threads: any.
template <typename Value>
class PerProcess {
 public:
  constexpr PerProcess() = default;

  // Null when there is none in this process yet.
  Value* find(std::int64_t pid) const noexcept {
    Node* node = newest_.load();
    while (node != nullptr && node->pid != pid) node = node->before;
    return node == nullptr ? nullptr : &node->value;
  }

  Value& get(std::int64_t pid) {
    for (;;) {
      Node* last = newest_.load();
      if (Value* const found = find(pid)) return *found;
      auto fresh = std::make_unique<Node>(pid, last);
      if (newest_.compare_exchange_strong(last, fresh.get())) return fresh.release()->value;
    }
  }

 private:
  struct Node {
    Node(std::int64_t process, Node* other) : pid(process), before(other) {}
    const std::int64_t pid;
    Node* const before;  // of the process that this one was forked from
    Value value;
  };
  std::atomic<Node*> newest_{nullptr};
};

}  // namespace safechunk
