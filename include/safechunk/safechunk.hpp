// The whole C++ API, without any third-party type. See engine.hpp first.
#pragma once

#include <safechunk/engine.hpp>
#include <safechunk/export.hpp>
#include <safechunk/file_edits.hpp>
#include <safechunk/maintenance.hpp>
#include <safechunk/options.hpp>
#include <safechunk/report_json.hpp>
#include <safechunk/reports.hpp>
#include <safechunk/status.hpp>
#include <safechunk/version.hpp>
