// Shared by all functions of the C interface: turning results and exceptions into codes, filling
// the caller's errors and structures, and building lists in one piece of memory.
#pragma once

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <safechunk/safechunk.h>
#include <safechunk/engine.hpp>

namespace safechunk::c_api {

// A handle is a pointer to one of these C++ objects. The structures that the C header declares are
// never defined, so that no C++ type becomes part of the C interface.
inline SafeChunkEngine* to_cpp(safechunk_engine* engine) {
  return reinterpret_cast<SafeChunkEngine*>(engine);
}
inline const SafeChunkEngine* to_cpp(const safechunk_engine* engine) {
  return reinterpret_cast<const SafeChunkEngine*>(engine);
}
inline ChangeWatch* to_cpp(safechunk_watch* watch) {
  return reinterpret_cast<ChangeWatch*>(watch);
}
inline const ChangeWatch* to_cpp(const safechunk_watch* watch) {
  return reinterpret_cast<const ChangeWatch*>(watch);
}
inline Transaction* to_cpp(safechunk_transaction* transaction) {
  return reinterpret_cast<Transaction*>(transaction);
}

// Copies `text` into an array of the caller's, cut at a whole character, with a NUL.
template <std::size_t size>
void copy_text(std::string_view text, char (&array)[size]) noexcept {
  std::size_t length = std::min(text.size(), size - 1);
  const auto continues = [&](std::size_t at) {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80;
  };
  while (length > 0 && continues(length)) --length;
  std::memcpy(array, text.data(), length);
  array[length] = '\0';
}

// Copies a structure that begins with its size into the caller's, which may be of a newer header
// and so larger, or of an older one. The caller's `size` stays. False when it is smaller than
// `first_size`, that of the first version.
template <typename Struct>
bool copy_out(const Struct& from, Struct* to, std::size_t first_size = sizeof(Struct)) noexcept {
  if (to == nullptr || to->size < first_size) return false;
  const std::size_t size = to->size;
  std::memcpy(static_cast<void*>(to), &from, std::min(size, sizeof(Struct)));
  to->size = size;
  return true;
}

void copy_error(const Error& from, safechunk_error& to) noexcept;

// Fills `out`, which may be null, and returns the code.
safechunk_code report(const Error& error, safechunk_error* out) noexcept;
safechunk_code report(ErrorCode code, const char* message, int os_errno,
                      safechunk_error* out) noexcept;

// Runs `call`, which returns a Status, and turns everything into a code.
template <typename Call>
safechunk_code guard(safechunk_error* error, Call call) noexcept {
  try {
    const Status status = call();
    return report(status.error(), error);
  } catch (const std::bad_alloc&) {
    return report(ErrorCode::io_error, "memory is lacking", ENOMEM, error);
  } catch (const std::exception& exception) {
    return report(ErrorCode::io_error, exception.what(), 0, error);
  } catch (...) {
    return report(ErrorCode::io_error, "an unknown exception", 0, error);
  }
}

// A newer program may pass a larger structure. The fields that this version does not know must be
// 0.
template <typename Struct>
bool knows_all_of(const Struct& options) {
  const auto* const bytes = reinterpret_cast<const char*>(&options);
  for (size_t i = sizeof options; i < options.size; ++i) {
    if (bytes[i] != 0) return false;
  }
  return true;
}

// invalid_argument when one of the pointers is null.
inline Status check_pointers(std::initializer_list<const void*> pointers) {
  for (const void* pointer : pointers) {
    if (pointer == nullptr) return Status(ErrorCode::invalid_argument, "an argument is NULL");
  }
  return {};
}

// Some languages give an empty text as NULL of size 0.
inline const char* or_empty(const char* text, std::size_t size) noexcept {
  return text == nullptr && size == 0 ? "" : text;
}

// A name with a size; empty when it is missing, where that is allowed.
inline std::string_view name_of(const char* name, std::size_t size) noexcept {
  return name == nullptr ? std::string_view() : std::string_view(name, size);
}

// A copy of `text` for the caller, to be freed by safechunk_free().
char* give_text(std::string_view text);

// What a handler uses; `drop` is called when the last copy is gone, also when memory is lacking
// here.
std::shared_ptr<void> hold_user_data(void* user_data, safechunk_drop_handler drop);

// A time to wait; without end when it is below 0.
std::chrono::milliseconds to_timeout(std::int64_t timeout_ms) noexcept;

// A structure and its texts, which become the members `fields`, in one piece of memory. The caller
// frees it by safechunk_free().
template <typename Item>
Item* give_item(const Item& item, std::initializer_list<const char * Item::*> fields,
                std::initializer_list<std::string_view> texts) {
  std::size_t size = sizeof(Item);
  for (const std::string_view text : texts) size += text.size() + 1;
  auto* const memory = static_cast<char*>(::operator new(size));
  auto* const copy = new (memory) Item(item);
  char* at = memory + sizeof(Item);
  auto field = fields.begin();
  for (const std::string_view text : texts) {
    std::memcpy(at, text.data(), text.size());
    at[text.size()] = '\0';
    copy->*(*field++) = at;
    at += text.size() + 1;
  }
  return copy;
}

// Pointers to the names, a null pointer, and the names, in one piece of memory.
char** give_names(const std::vector<std::string>& names);

ProgressHandler to_handler(safechunk_progress_handler progress, void* user_data);

// Builds a list in one piece of memory: pointers to the items, a null pointer, the items, and then
// their texts.
template <typename Item>
class ItemList {
 public:
  explicit ItemList(std::size_t count) : count_(count) { items_.reserve(count); }

  // `texts` become the members `fields` of the item, in the same order.
  void add(const Item& item, std::initializer_list<const char * Item::*> fields,
           std::initializer_list<std::string_view> texts) {
    items_.push_back(item);
    fields_ = fields;
    for (const std::string_view text : texts) {
      offsets_.push_back(texts_.size());
      texts_.append(text);
      texts_ += '\0';
    }
  }

  // The caller frees it by safechunk_free().
  [[nodiscard]] Item** give() const {
    static_assert(alignof(Item) <= alignof(std::max_align_t) && sizeof(Item) % alignof(Item*) == 0);
    const std::size_t heads = (count_ + 1) * sizeof(Item*);
    const std::size_t bodies = (heads + alignof(Item) - 1) / alignof(Item) * alignof(Item);
    const std::size_t tail = bodies + count_ * sizeof(Item);
    auto* const memory = static_cast<char*>(::operator new(tail + texts_.size()));
    auto** const list = reinterpret_cast<Item**>(memory);
    std::memcpy(memory + tail, texts_.data(), texts_.size());
    std::size_t text = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      list[i] = new (memory + bodies + i * sizeof(Item)) Item(items_[i]);
      for (const auto field : fields_) list[i]->*field = memory + tail + offsets_[text++];
    }
    list[count_] = nullptr;
    return list;
  }

 private:
  std::size_t count_;
  std::vector<Item> items_;
  std::vector<const char * Item::*> fields_;
  std::vector<std::size_t> offsets_;
  std::string texts_;
};

// safechunk_open_n(), in another place than the options say.
safechunk_code open_engine(const char* project_id, std::size_t size,
                           const safechunk_options* options, std::optional<PlaceKind> place,
                           safechunk_engine** engine, safechunk_error* error);

}  // namespace safechunk::c_api
