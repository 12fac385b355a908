// RocksDB, every write with sync.

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include "rivals/store.h"

namespace bench {
namespace {

class RocksDbStore final : public Store {
 public:
  explicit RocksDbStore(const Request& request) {
    rocksdb::Options options;
    options.create_if_missing = true;
    rocksdb::DB* database = nullptr;
    expect(rocksdb::DB::Open(options, request.folder + "/database", &database));
    database_.reset(database);
    sync_.sync = true;
  }
  ~RocksDbStore() override { expect(database_->Close()); }

  void put(std::size_t, const std::string& key, std::string_view text) override {
    expect(database_->Put(sync_, key, rocksdb::Slice(text.data(), text.size())));
  }

  void put_all(const Edits& edits) override {
    rocksdb::WriteBatch batch;
    for (const auto& [key, text] : edits) expect(batch.Put(key, text));
    expect(database_->Write(sync_, &batch));
  }

 private:
  static void expect(const rocksdb::Status& status) { require(status.ok(), status.ToString()); }
  std::unique_ptr<rocksdb::DB> database_;
  rocksdb::WriteOptions sync_;
};

}  // namespace

std::unique_ptr<Store> open_store(const Request& request) {
  return std::make_unique<RocksDbStore>(request);
}

}  // namespace bench
