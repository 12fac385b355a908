// The C interface: files that stay where the application has them.

#include <cstring>

#include <safechunk/maintenance.hpp>

#include "api/c_api_support.h"

using namespace safechunk;         // NOLINT: this file is the other face of that namespace
using namespace safechunk::c_api;  // NOLINT

extern "C" {

safechunk_code safechunk_open_file(const char* path, const safechunk_options* options,
                                   safechunk_engine** engine, safechunk_error* error) {
  const size_t size = path == nullptr ? 0 : std::strlen(path);
  return open_engine(path, size, options, PlaceKind::file, engine, error);
}

safechunk_code safechunk_open_in_place(const char* folder, const safechunk_options* options,
                                       safechunk_engine** engine, safechunk_error* error) {
  const size_t size = folder == nullptr ? 0 : std::strlen(folder);
  return open_engine(folder, size, options, PlaceKind::in_place, engine, error);
}

const char* safechunk_file_chunk(const safechunk_engine* engine) {
  return engine == nullptr ? nullptr : to_cpp(engine)->file_chunk().c_str();
}

safechunk_code safechunk_release_place(const char* path, int32_t place, int force,
                                       safechunk_error* error) {
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({path}); !status) return status;
    if (place != SAFECHUNK_PLACE_IN_PLACE && place != SAFECHUNK_PLACE_FILE) {
      return Status(ErrorCode::invalid_argument,
                    "place is neither SAFECHUNK_PLACE_IN_PLACE nor _FILE");
    }
    return release_place(path, static_cast<PlaceKind>(place), force != 0);
  });
}

}  // extern "C"
