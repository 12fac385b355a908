#include <memory>

#include "../context.h"

namespace safechunk::cli {
namespace {

int unlock(const Context& context, bool force) {
  const auto location = locate(context);
  if (!location) return fail(context, location.status());
  const Status status =
      unlock_project(location->project_id, location->base_dir, force, location->place);
  if (!status.ok()) return fail(context, status);
  if (context.json) print({{"unlocked", location->project_id}});
  return kOk;
}

}  // namespace

void add_unlock(CLI::App& app, Context& context) {
  auto force = std::make_shared<bool>(false);
  CLI::App* command =
      add_command(app, context, "unlock", "remove the lock file of an owner that is gone",
                  [force](Context& c) { return unlock(c, *force); });
  command->add_flag("--force", *force,
                    "also when the process named in a lock of the original Python engine is alive");
}

}  // namespace safechunk::cli
