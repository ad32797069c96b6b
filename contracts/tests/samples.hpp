// One full and one minimal document of every type on the wire: what the golden vectors hold.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/contracts/names.hpp"
#include "harmony/contracts/podman_v0.hpp"
#include "harmony/contracts/resources.hpp"
#include "harmony/result.hpp"

namespace harmony::contracts::testing {

[[nodiscard]] DeviceId device(std::string_view id);
[[nodiscard]] DeploymentName deployment(std::string_view name);
[[nodiscard]] Timestamp time(std::string_view text);
[[nodiscard]] PodmanV0 podman_sample();
[[nodiscard]] Deployment deployment_sample();
[[nodiscard]] Device device_sample();

struct Sample {
    std::string type;  // the folder in golden/ and the schema's name
    std::string name;  // the file's name, without .json; "full" holds every field of the schema
    std::string encoded;
    std::function<Result<std::string>(std::string_view)> reencode;  // decode, then encode
};

[[nodiscard]] std::vector<Sample> samples();

// The bytes of a file below contracts/, without a final line end; fails the test when it is not there.
[[nodiscard]] std::string read_contract_file(const std::string& relative_path);

}  // namespace harmony::contracts::testing
