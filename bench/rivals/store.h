// What every rival has to do, and the main() that lets it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/bench.h"

namespace bench {

using Edits = std::vector<std::pair<std::string, std::string>>;

// A key-value store, opened in the request's folder, that answers when its data are durable.
class Store {
 public:
  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  virtual ~Store() = default;
  // `thread` tells who calls, for those that need a connection for each.
  virtual void put(std::size_t thread, const std::string& key, std::string_view text) = 0;
  // Sets the member "revision" of a document; only those that can.
  virtual void set_value(const std::string& /*key*/, const std::string& /*value*/) {
    fail("this store does not know values");
  }
  // Reads a document and writes it anew, with nothing between.
  virtual void update(const std::string& /*key*/, std::string_view /*text*/) {
    fail("this store does not know several processes");
  }
  virtual void put_all(const Edits& edits) = 0;  // in one transaction
};

// Each rival defines it in its own program.
std::unique_ptr<Store> open_store(const Request& request);

}  // namespace bench
