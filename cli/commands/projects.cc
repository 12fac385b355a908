#include <iostream>

#include "../context.h"

namespace safechunk::cli {
namespace {

// The owner's process; its machine, too, when the lock file tells one.
std::string words_for(const OwnerInfo& owner) {
  std::string words = "open by process " + std::to_string(owner.pid);
  if (!owner.host.empty()) words += " on " + printable(owner.host);
  return words;
}

int projects(const Context& context) {
  const std::string base_dir = base_dir_of(context);
  const auto names = list_projects(base_dir);
  if (!names) return fail(context, names.status());
  Json all = Json::array();
  for (const std::string& name : *names) {
    const auto owner = find_owner(name, base_dir);
    if (owner.code() == ErrorCode::not_found) continue;  // deleted meanwhile
    if (!owner) return fail(context, owner.status());
    if (context.json) {
      all.push_back({{"name", name},
                     {"state", *owner ? "open" : "closed"},
                     {"owner", *owner ? Json::parse(to_json(**owner)) : Json()}});
    } else {
      std::cout << name << (*owner ? "  " + words_for(**owner) : "") << "\n";
    }
  }
  if (context.json) print(all);
  return kOk;
}

}  // namespace

void add_projects(CLI::App& app, Context& context) {
  add_base_command(app, context, "projects",
                   "print the names of all projects in --base-dir, and who has them open",
                   projects);
}

}  // namespace safechunk::cli
