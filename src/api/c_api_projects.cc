// The C interface: projects as a whole.

#include <string>

#include <safechunk/maintenance.hpp>

#include "api/c_api_support.h"

using namespace safechunk;         // NOLINT: this file is the other face of that namespace
using namespace safechunk::c_api;  // NOLINT

extern "C" {

safechunk_code safechunk_unlock_project_n(const char* project_id, size_t project_id_size,
                                          const char* base_dir, size_t base_dir_size, int force,
                                          safechunk_error* error) {
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({project_id}); !status) return status;
    return unlock_project(std::string(project_id, project_id_size),
                          std::string(name_of(base_dir, base_dir_size)), force != 0);
  });
}

safechunk_code safechunk_list_projects(const char* base_dir, char*** names, size_t* count,
                                       safechunk_error* error) {
  if (names != nullptr) *names = nullptr;
  if (count != nullptr) *count = 0;
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({names, count}); !status) return status;
    const auto projects = list_projects(base_dir == nullptr ? "" : base_dir);
    if (!projects) return projects.status();
    *names = give_names(*projects);
    *count = projects->size();
    return {};
  });
}

safechunk_code safechunk_delete_project_n(const char* project_id, size_t project_id_size,
                                          const char* base_dir, size_t base_dir_size,
                                          safechunk_error* error) {
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({project_id}); !status) return status;
    return delete_project(std::string(project_id, project_id_size),
                          std::string(name_of(base_dir, base_dir_size)));
  });
}

}  // extern "C"
