// SQLite, synchronous=FULL, with a write-ahead log (method wal) or a rollback journal (rollback).

#include <sqlite3.h>

#include "rivals/store.h"

namespace bench {
namespace {

class Connection {
 public:
  Connection(const std::string& path, const std::string& mode) {
    if (sqlite3_open(path.c_str(), &database_) != SQLITE_OK) fail("cannot open " + path);
    expect(sqlite3_busy_timeout(database_, 60'000));
    run(("PRAGMA journal_mode=" + mode).c_str());
    run("PRAGMA synchronous=FULL");
    run("CREATE TABLE IF NOT EXISTS documents (name TEXT PRIMARY KEY, body TEXT)");
    expect(sqlite3_prepare_v2(database_, "INSERT OR REPLACE INTO documents VALUES (?1, ?2)", -1,
                              &insert_, nullptr));
    expect(sqlite3_prepare_v2(database_, "SELECT body FROM documents WHERE name = ?1", -1, &select_,
                              nullptr));
    expect(sqlite3_prepare_v2(
        database_,
        "UPDATE documents SET body = json_set(body, '$.revision', json(?2)) WHERE name = ?1", -1,
        &set_, nullptr));
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    sqlite3_finalize(insert_);
    sqlite3_finalize(set_);
    sqlite3_finalize(select_);
    if (sqlite3_close(database_) != SQLITE_OK) fail("cannot close the database");
  }

  void run(const char* sql) { expect(sqlite3_exec(database_, sql, nullptr, nullptr, nullptr)); }

  void update(const std::string& key, std::string_view text) {
    run("BEGIN IMMEDIATE");
    expect(sqlite3_bind_text(select_, 1, key.data(), static_cast<int>(key.size()), SQLITE_STATIC));
    const int found = sqlite3_step(select_);
    if (found != SQLITE_ROW && found != SQLITE_DONE) fail(sqlite3_errmsg(database_));
    if (found == SQLITE_ROW) require(sqlite3_column_bytes(select_, 0) > 0, "an empty document");
    expect(sqlite3_reset(select_));
    insert(key, text);
    run("COMMIT");
  }
  void insert(const std::string& key, std::string_view text) { execute(insert_, key, text); }
  void set(const std::string& key, std::string_view value) { execute(set_, key, value); }

 private:
  void expect(int code) const {
    if (code != SQLITE_OK) fail(sqlite3_errmsg(database_));
  }
  void execute(sqlite3_stmt* statement, const std::string& key, std::string_view text) {
    expect(
        sqlite3_bind_text(statement, 1, key.data(), static_cast<int>(key.size()), SQLITE_STATIC));
    expect(
        sqlite3_bind_text(statement, 2, text.data(), static_cast<int>(text.size()), SQLITE_STATIC));
    if (sqlite3_step(statement) != SQLITE_DONE) fail(sqlite3_errmsg(database_));
    expect(sqlite3_reset(statement));
  }
  sqlite3* database_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  sqlite3_stmt* set_ = nullptr;
  sqlite3_stmt* select_ = nullptr;
};

class SqliteStore final : public Store {
 public:
  explicit SqliteStore(const Request& request) {
    const std::string mode = request.method == "wal" ? "WAL" : "DELETE";
    for (std::size_t i = 0; i < request.threads; ++i) {
      connections_.push_back(std::make_unique<Connection>(request.folder + "/database", mode));
    }
  }

  void put(std::size_t thread, const std::string& key, std::string_view text) override {
    connections_[thread]->insert(key, text);
  }

  void set_value(const std::string& key, const std::string& value) override {
    connections_[0]->set(key, value);
  }

  void update(const std::string& key, std::string_view text) override {
    connections_[0]->update(key, text);
  }

  void put_all(const Edits& edits) override {
    connections_[0]->run("BEGIN IMMEDIATE");
    for (const auto& [key, text] : edits) connections_[0]->insert(key, text);
    connections_[0]->run("COMMIT");
  }

 private:
  std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace

std::unique_ptr<Store> open_store(const Request& request) {
  require(request.method == "wal" || request.method == "rollback", "wal or rollback");
  return std::make_unique<SqliteStore>(request);
}

}  // namespace bench
