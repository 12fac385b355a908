#include "json/name_index.h"

#include <bit>
#include <functional>
#include <utility>

namespace safechunk::json {

std::uint64_t NameIndex::hash_of(std::string_view name) noexcept {
  return std::hash<std::string_view>()(name);
}

std::size_t NameIndex::slot_of(std::uint64_t hash) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = static_cast<std::size_t>(hash) & mask;
  while (slots_[at].ordinal != kFree && slots_[at].hash != hash) at = (at + 1) & mask;
  return at;
}

void NameIndex::resize(std::size_t slots) {
  std::vector<Slot> old(slots);
  std::swap(old, slots_);
  for (const Slot& slot : old) {
    if (slot.ordinal != kFree) slots_[slot_of(slot.hash)] = slot;
  }
}

void NameIndex::reserve(std::size_t names) {
  const std::size_t slots = std::bit_ceil(2 * names + 1);
  if (slots > slots_.size()) resize(slots);
}

void NameIndex::add(std::string_view name, std::size_t ordinal) {
  if (2 * used_ >= slots_.size()) reserve(used_ + 1);
  const std::uint64_t hash = hash_of(name);
  Slot& slot = slots_[slot_of(hash)];
  if (slot.ordinal == kFree) ++used_;
  const bool is_only = slot.ordinal == kFree || slot.ordinal == kRemoved;
  slot = {hash, is_only ? ordinal : kUnsure};
}

void NameIndex::remove(std::string_view name) {
  if (slots_.empty()) return;
  Slot& slot = slots_[slot_of(hash_of(name))];
  if (slot.ordinal != kFree && slot.ordinal != kUnsure) slot.ordinal = kRemoved;
}

std::size_t NameIndex::find(std::string_view name) const noexcept {
  if (slots_.empty()) return kNone;
  const std::size_t ordinal = slots_[slot_of(hash_of(name))].ordinal;
  return ordinal == kFree ? kNone : ordinal;
}

}  // namespace safechunk::json
