// LMDB as it is by default: fdatasync and a synchronous meta page in every commit.

#include <lmdb.h>

#include "rivals/store.h"

namespace bench {
namespace {

class LmdbStore final : public Store {
 public:
  explicit LmdbStore(const Request& request) {
    constexpr std::size_t kMapBytes = std::size_t{4} << 30U;
    expect(mdb_env_create(&environment_));
    expect(mdb_env_set_mapsize(environment_, kMapBytes));
    expect(mdb_env_open(environment_, request.folder.c_str(), 0, 0666));
    MDB_txn* transaction = begin();
    expect(mdb_dbi_open(transaction, nullptr, 0, &database_));
    expect(mdb_txn_commit(transaction));
  }
  ~LmdbStore() override { mdb_env_close(environment_); }

  void put(std::size_t, const std::string& key, std::string_view text) override {
    MDB_txn* transaction = begin();
    put(transaction, key, text);
    expect(mdb_txn_commit(transaction));
  }

  void put_all(const Edits& edits) override {
    MDB_txn* transaction = begin();
    for (const auto& [key, text] : edits) put(transaction, key, text);
    expect(mdb_txn_commit(transaction));
  }

 private:
  static void expect(int code) { require(code == 0, mdb_strerror(code)); }

  MDB_txn* begin() {
    MDB_txn* transaction = nullptr;
    expect(mdb_txn_begin(environment_, nullptr, 0, &transaction));
    return transaction;
  }

  void put(MDB_txn* transaction, const std::string& key, std::string_view text) const {
    MDB_val name{key.size(), const_cast<char*>(key.data())};
    MDB_val body{text.size(), const_cast<char*>(text.data())};
    expect(mdb_put(transaction, database_, &name, &body, 0));
  }

  MDB_env* environment_ = nullptr;
  MDB_dbi database_ = 0;
};

}  // namespace

std::unique_ptr<Store> open_store(const Request& request) {
  return std::make_unique<LmdbStore>(request);
}

}  // namespace bench
