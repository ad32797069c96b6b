// Limits that a decoder and the resource definitions share and no other component needs. Private to
// contracts.
#pragma once

#include <cstddef>
#include <cstdint>

namespace harmony::contracts {

inline constexpr std::size_t kMaxNamespaceBytes = 63;
inline constexpr std::size_t kMaxConditionTextBytes = 64;  // type and reason
inline constexpr std::size_t kMaxConditionMessageBytes = 4096;
inline constexpr std::size_t kMaxArgBytes = 64 * 1024;
inline constexpr std::size_t kMaxEnvValueBytes = 64 * 1024;
inline constexpr std::size_t kMaxStopSignalBytes = 16;
inline constexpr std::size_t kMaxVolumePathBytes = 4096;
inline constexpr std::size_t kMaxMappingBytes = 2 * kMaxVolumePathBytes + 8;  // a port or a volume as written
inline constexpr std::size_t kMaxLabelKeyBytes = 253 + 1 + 63;
inline constexpr std::int64_t kMaxDevices = 1'000'000'000;  // that a count may say
inline constexpr std::int64_t kMaxMinReadySeconds = 24 * 3600;

}  // namespace harmony::contracts
