// LevelDB, every write with sync.

#include <leveldb/db.h>
#include <leveldb/write_batch.h>

#include "rivals/store.h"

namespace bench {
namespace {

class LevelDbStore final : public Store {
 public:
  explicit LevelDbStore(const Request& request) {
    leveldb::Options options;
    options.create_if_missing = true;
    leveldb::DB* database = nullptr;
    expect(leveldb::DB::Open(options, request.folder + "/database", &database));
    database_.reset(database);
    sync_.sync = true;
  }

  void put(std::size_t, const std::string& key, std::string_view text) override {
    expect(database_->Put(sync_, key, leveldb::Slice(text.data(), text.size())));
  }

  void put_all(const Edits& edits) override {
    leveldb::WriteBatch batch;
    for (const auto& [key, text] : edits) batch.Put(key, text);
    expect(database_->Write(sync_, &batch));
  }

 private:
  static void expect(const leveldb::Status& status) { require(status.ok(), status.ToString()); }
  std::unique_ptr<leveldb::DB> database_;
  leveldb::WriteOptions sync_;
};

}  // namespace

std::unique_ptr<Store> open_store(const Request& request) {
  return std::make_unique<LevelDbStore>(request);
}

}  // namespace bench
