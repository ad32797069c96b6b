// The last desired state that the device was given, on disk: what it runs when it boots without a network.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "harmony/contracts/desired_state.hpp"
#include "harmony/contracts/names.hpp"
#include "harmony/daemon/disk.hpp"
#include "harmony/result.hpp"

namespace harmony::agent {

// Deployment to the bytes of its score as they came. Bytes that are not a score stay what they are: the
// device has to report them.
using HeldDesired = std::map<contracts::DeploymentName, std::string>;

[[nodiscard]] std::string digest_of(const HeldDesired& held);

class DesiredStore {
 public:
    // The disk must outlive it.
    DesiredStore(std::string path, contracts::DeviceId device,
                 runtime::daemon::Disk& disk = runtime::daemon::file_disk());

    // Nothing where no file exists. Corrupt: the file breaks its format or is another device's; it is left to
    // be overwritten by the next save. Io.
    [[nodiscard]] Result<std::optional<HeldDesired>> load() const;
    // Survives a power cut once it has returned.
    [[nodiscard]] Result<void> save(const HeldDesired& held) const;

 private:
    std::string path_;
    contracts::DeviceId device_;
    runtime::daemon::Disk& disk_;
};

}  // namespace harmony::agent
