// The C interface: changes to chunks, whoever makes them.

#include <optional>
#include <utility>

#include "api/c_api_support.h"

using namespace safechunk;         // NOLINT: this file is the other face of that namespace
using namespace safechunk::c_api;  // NOLINT

namespace {

static_assert(SAFECHUNK_CHANGE_LOCAL == static_cast<int>(ChangeOrigin::local));
static_assert(SAFECHUNK_CHANGE_PROCESS == static_cast<int>(ChangeOrigin::process));
static_assert(SAFECHUNK_CHANGE_EDIT == static_cast<int>(ChangeOrigin::edit));
static_assert(SAFECHUNK_CHANGE_HEAL == static_cast<int>(ChangeOrigin::heal));
static_assert(SAFECHUNK_CHANGE_RESTORE == static_cast<int>(ChangeOrigin::restore));
static_assert(SAFECHUNK_CHANGE_MIGRATION == static_cast<int>(ChangeOrigin::migration));
static_assert(SAFECHUNK_CHANGE_REMOVED_OUTSIDE == static_cast<int>(ChangeOrigin::removed_outside));
static_assert(SAFECHUNK_CHANGE_RESYNC == static_cast<int>(ChangeOrigin::resync));

Status invalid(const char* message) {
  return Status(ErrorCode::invalid_argument, message);
}

Status read_options(const safechunk_watch_options* given, WatchOptions& to) {
  if (given == nullptr) return {};
  if (given->size < sizeof *given) return invalid("options.size is too small");
  if (!knows_all_of(*given)) return invalid("options has fields that this version does not know");
  if (given->delivery != SAFECHUNK_DELIVERY_LATEST && given->delivery != SAFECHUNK_DELIVERY_EVERY) {
    return invalid("delivery is neither SAFECHUNK_DELIVERY_LATEST nor _EVERY");
  }
  if (given->delivery == SAFECHUNK_DELIVERY_EVERY) to.delivery = WatchOptions::Delivery::every;
  if (given->has_since != 0) to.since = given->since;
  return {};
}

// Without its texts.
safechunk_change to_c(const Change& change) {
  safechunk_change item{};
  item.size = sizeof item;
  item.origin = static_cast<int32_t>(change.origin);
  item.origin_name = to_string(change.origin).data();  // a literal: it ends in a NUL
  item.number = change.number;
  return item;
}

}  // namespace

extern "C" {

safechunk_code safechunk_watch_options_init(safechunk_watch_options* options, size_t size) {
  if (options == nullptr || size < sizeof *options) return SAFECHUNK_INVALID_ARGUMENT;
  std::memset(options, 0, size);
  options->size = size;
  options->delivery = SAFECHUNK_DELIVERY_LATEST;
  return SAFECHUNK_OK;
}

safechunk_code safechunk_watch_open(safechunk_engine* engine,
                                    const safechunk_watch_options* options, safechunk_watch** watch,
                                    safechunk_error* error) {
  if (watch != nullptr) *watch = nullptr;
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({engine, watch}); !status) return status;
    WatchOptions settings;
    if (Status status = read_options(options, settings); !status) return status;
    auto opened = to_cpp(engine)->watch(settings);
    if (!opened) return opened.status();
    *watch = reinterpret_cast<safechunk_watch*>(new ChangeWatch(*std::move(opened)));
    return {};
  });
}

safechunk_code safechunk_watch_next(safechunk_watch* watch, int64_t timeout_ms,
                                    safechunk_change** change, safechunk_error* error) {
  if (change != nullptr) *change = nullptr;
  return guard(error, [&]() -> Status {
    if (Status status = check_pointers({watch, change}); !status) return status;
    const auto found = to_cpp(watch)->next(to_timeout(timeout_ms));
    if (!found || !*found) return found.status();
    *change = give_item(to_c(**found),
                        {&safechunk_change::chunk, &safechunk_change::revision,
                         &safechunk_change::previous_revision},
                        {(*found)->chunk, (*found)->revision, (*found)->previous_revision});
    return {};
  });
}

safechunk_code safechunk_watch_wake(safechunk_watch* watch) {
  if (watch == nullptr) return SAFECHUNK_INVALID_ARGUMENT;
  to_cpp(watch)->wake();
  return SAFECHUNK_OK;
}

int safechunk_watch_descriptor(const safechunk_watch* watch) {
  return watch == nullptr ? -1 : to_cpp(watch)->descriptor();
}

void safechunk_watch_close(safechunk_watch* watch) {
  delete to_cpp(watch);
}

safechunk_code safechunk_on_change(safechunk_engine* engine, const safechunk_watch_options* options,
                                   safechunk_error* error, safechunk_change_handler handler,
                                   void* user_data, safechunk_drop_handler drop) {
  return guard(error, [&]() -> Status {
    auto data = hold_user_data(user_data, drop);
    if (Status status = check_pointers({engine}); !status) return status;
    WatchOptions settings;
    if (Status status = read_options(options, settings); !status) return status;
    if (handler == nullptr) return to_cpp(engine)->on_change(nullptr);
    return to_cpp(engine)->on_change(
        [handler, data = std::move(data)](const Change& change) {
          safechunk_change item = to_c(change);
          item.chunk = change.chunk.c_str();
          item.revision = change.revision.c_str();
          item.previous_revision = change.previous_revision.c_str();
          handler(&item, data.get());
        },
        settings);
  });
}

}  // extern "C"
