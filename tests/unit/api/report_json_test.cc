// The reports as JSON text. The whole texts stand here, because programs read them by these names.

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>

#include <safechunk/report_json.hpp>

namespace safechunk {
namespace {

using Json = nlohmann::ordered_json;

OwnerInfo some_owner() {
  OwnerInfo owner;
  owner.pid = 4711;
  owner.host = "desk";
  owner.boot_id = "b";
  owner.process_started = 1.5;
  owner.since = 2;
  return owner;
}

TEST(ReportJson, Error) {
  Error error;
  error.code = ErrorCode::invalid_json;
  error.message = "expected a value";
  error.chunk = "users";
  error.path = "/p";
  error.os_errno = ENOENT;
  error.position = TextPosition{7, 2, 3};
  EXPECT_EQ(to_json(error),
            R"({"code":"invalid_json","message":"expected a value","chunk":"users","path":"/p",)"
            R"("os_errno":2,"offset":7,"line":2,"column":3})");
  EXPECT_EQ(to_json(Status().error()),
            R"({"code":"ok","message":"","chunk":"","path":"","os_errno":0,"offset":0,"line":0,)"
            R"("column":0})");
}

TEST(ReportJson, Owner) {
  EXPECT_EQ(to_json(some_owner()),
            R"({"pid":4711,"host":"desk","boot_id":"b","process_started":1.5,"since":2.0})");
}

TEST(ReportJson, Health) {
  HealthReport report;
  report.engine_active = true;
  report.storage_usage = 12.3;
  report.shards = std::numeric_limits<std::uint64_t>::max();
  report.last_error = "no_space: x";
  report.owner = some_owner();
  EXPECT_EQ(
      to_json(report),
      R"({"engine_active":true,"dirty_buffer":false,"storage_usage":12.3,"orphaned_artifacts":0,)"
      R"("shards":18446744073709551615,"pending_chunks":0,"last_sync_unix_time":0.0,)"
      R"("last_sync_duration_ms":0.0,"last_error":"no_space: x","failed_commits":0,"retries":0,)"
      R"("heals":0,"quarantine_files":0,"journal_bytes":0,"bytes_written":0,)"
      R"("stamps_supported":false,"weakened":[],"owner":)" +
          to_json(some_owner()) + "}");
  EXPECT_TRUE(Json::parse(to_json(HealthReport()))["owner"].is_null());
}

TEST(ReportJson, Recovery) {
  EXPECT_EQ(to_json(RecoveryReport()), R"({"clean":true,"events":[]})");
  RecoveryReport report;
  report.clean = false;
  report.events = {{Event::Kind::healed, "users", "from the backup"},
                   {Event::Kind::stale_lock, "", "x"}};
  EXPECT_EQ(to_json(report),
            R"({"clean":false,"events":[{"kind":"healed","chunk":"users",)"
            R"("detail":"from the backup"},{"kind":"stale_lock","chunk":"","detail":"x"}]})");
}

TEST(ReportJson, Verify) {
  VerifyReport report;
  report.files = {{FileVerdict::State::lost, "chunks/a.json", "x"}};
  EXPECT_EQ(to_json(report),
            R"({"sound":false,"files":[{"path":"chunks/a.json","state":"lost","detail":"x"}]})");
}

// The date is for people; the number beside it needs no time zone. Kills: a date that programs in
// another zone take for another moment.
TEST(ReportJson, Checkpoints) {
  EXPECT_EQ(to_json(std::vector<CheckpointInfo>()), "[]");
  const std::vector<CheckpointInfo> list = {{"c.zip", "manual", "2026-01-02 03:04:05", "", 9},
                                            {"d.zip", "", "", "n", 0, 7, true, 1764000000.5}};
  EXPECT_EQ(
      to_json(list),
      R"([{"filename":"c.zip","label":"manual","date":"2026-01-02 03:04:05","notes":"","size":9,"number":0,"keep":false,"unix_time":0.0},)"
      R"({"filename":"d.zip","label":"","date":"","notes":"n","size":0,"number":7,"keep":true,"unix_time":1764000000.5}])");
}

// Paths, notes and the texts of locks hold what other programs wrote into them.
TEST(ReportJson, IsJsonWhateverTheTextsHold) {
  std::string all;
  for (int byte = 0; byte < 128; ++byte) all += static_cast<char>(byte);
  for (const std::string& text : {all, std::string("caf\xC3\xA9 \xF0\x9F\x98\x80")}) {
    Error error;
    error.message = text;
    EXPECT_EQ(Json::parse(to_json(error))["message"], text);
  }
  Error error;
  error.path =
      "\xFF"
      "a\xE2\x82"
      "b\xC3";
  EXPECT_EQ(Json::parse(to_json(error))["path"],
            "\xEF\xBF\xBD"
            "a\xEF\xBF\xBD\xEF\xBF\xBD"
            "b\xEF\xBF\xBD");
}

TEST(ReportJson, NumbersAreThoseOfJson) {
  OwnerInfo owner = some_owner();
  owner.pid = std::numeric_limits<std::int64_t>::min();
  for (const double number :
       {std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(),
        std::numeric_limits<double>::quiet_NaN()}) {
    owner.since = number;
    EXPECT_TRUE(Json::parse(to_json(owner))["since"].is_null()) << number;
  }
  for (const double number : {0.0, -0.0, 1e300, 5e-324, 1764000000.25, 1e9, -3.0}) {
    owner.since = number;
    const Json since = Json::parse(to_json(owner))["since"];
    EXPECT_TRUE(since.is_number_float()) << number;
    EXPECT_EQ(since.get<double>(), number);
  }
  EXPECT_EQ(Json::parse(to_json(owner))["pid"], owner.pid);
}

// The structure of the C interface has the same fields; only the owner is spread out there.
TEST(ReportJson, TheStructuresOfCHaveTheSameMembers) {
  std::string header;
  for (const char* name : {"/safechunk.h", "/projects.h"}) {
    std::ifstream file(std::string(SAFECHUNK_HEADERS) + name);
    header.append(std::istreambuf_iterator<char>(file), {});
  }
  const auto expect_members = [&](const Json& report, const std::string& name) {
    const std::size_t begin = header.find("typedef struct " + name + " {");
    const std::size_t end = header.find("} " + name + ";");
    ASSERT_TRUE(begin < end && end != std::string::npos) << name;
    const std::string fields = header.substr(begin, end - begin);
    for (const auto& [member, value] : report.items()) {
      if (member == "owner") continue;
      EXPECT_TRUE(fields.find(" " + member + ";") != std::string::npos ||
                  fields.find(" " + member + "[") != std::string::npos)
          << name << " lacks " << member;
    }
  };
  expect_members(Json::parse(to_json(HealthReport())), "safechunk_health");
  expect_members(Json::parse(to_json(OwnerInfo())), "safechunk_owner");
  expect_members(Json::parse(to_json(Error())), "safechunk_error");
}

TEST(ReportJson, Quarantine) {
  EXPECT_EQ(to_json(std::vector<QuarantinedFile>{{"a.json.1", 7, 1.5}}),
            R"([{"name":"a.json.1","size":7,"modified":1.5}])");
  EXPECT_EQ(to_json(std::vector<QuarantinedFile>()), "[]");
}

}  // namespace
}  // namespace safechunk
