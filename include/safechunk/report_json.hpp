// The reports as JSON text: for logs, for a page that shows the state of a project, for programs in
// other languages. The command line with --json gives exactly these members; the Python package
// adds other names of some, which later versions of the original engine used.
//
// Each result is one JSON value on one line, without a newline at its end. Every member is always
// there: a member that does not apply is "", 0, or null where this page says so. The names are
// those of the C++ fields. They keep their meaning; later versions only add members. A byte that is
// not UTF-8, which a path may hold, becomes U+FFFD. A number that is not finite becomes null.
#pragma once

#include <string>
#include <vector>

#include <safechunk/export.hpp>
#include <safechunk/maintenance.hpp>
#include <safechunk/reports.hpp>
#include <safechunk/status.hpp>

namespace safechunk {

// {"code", "message", "chunk", "path", "os_errno", "offset", "line", "column"}. `code` is the name,
// as "no_space"; of Status().error() it is "ok". `line` is 0 when there is no position in a text.
SAFECHUNK_EXPORT std::string to_json(const Error& error);

// {"pid", "host", "boot_id", "process_started", "since"}
SAFECHUNK_EXPORT std::string to_json(const OwnerInfo& owner);

// All fields of HealthReport, those of the original engine first: "engine_active", "dirty_buffer",
// "storage_usage", "orphaned_artifacts", "shards". `owner` is an object as above, or null.
SAFECHUNK_EXPORT std::string to_json(const HealthReport& report);

// {"clean", "events": [{"kind", "chunk", "detail"}]}. `kind` is a name, as "stale_lock".
SAFECHUNK_EXPORT std::string to_json(const RecoveryReport& report);

// {"sound", "files": [{"path", "state", "detail"}]}. `state` is a name, as "good".
SAFECHUNK_EXPORT std::string to_json(const VerifyReport& report);

// [{"filename", "label", "date", "notes", "size", "number", "keep", "unix_time"}]. `unix_time` is
// the moment of `date` in seconds since 1970, which no time zone changes; 0.0 when it is not known.
SAFECHUNK_EXPORT std::string to_json(const std::vector<CheckpointInfo>& checkpoints);

// [{"name", "size", "modified"}]
SAFECHUNK_EXPORT std::string to_json(const std::vector<QuarantinedFile>& files);

}  // namespace safechunk
