// Every limit that is not an option, in one place. All sizes are bytes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace safechunk::limits {

inline constexpr std::size_t kNameBytes = 200;         // project ids, chunk names
inline constexpr std::size_t kLabelBytes = 1000;       // the label of a checkpoint
inline constexpr std::size_t kNotesBytes = 64 * 1024;  // notes of a checkpoint
inline constexpr std::size_t kRecordBytes = 64 << 20;  // one record of a log
inline constexpr std::size_t kBeforeRestore = 10;      // checkpoints before_restore that are kept
inline constexpr std::size_t kPendingFaults = 1000;    // faults kept for a handler set later
inline constexpr std::size_t kPendingEvents = 1000;    // events kept for a thread that asks
inline constexpr std::uint32_t kDepth = 1'000'000;     // the highest depth_limit
inline constexpr std::size_t kOpenTemporaries = 128;   // temp files open at once in one commit

}  // namespace safechunk::limits
