// The fleet's definitions on the cluster that the tests share.
#pragma once

#include <functional>
#include <string>

#include "harmony/kubernetes/client.hpp"

namespace harmony::op::testing {

[[nodiscard]] runtime::kubernetes::ResourceType definition_type();
[[nodiscard]] runtime::kubernetes::ResourceType deployment_type();

// Installs both and waits until the server serves them. They stay: other tests use them too.
void serve_definitions(runtime::kubernetes::KubernetesClient& client);

// Polls until it holds; fails the test, with what was waited for, after a minute.
void wait_for(const std::string& what, const std::function<bool()>& holds);

// A part of names that no other run uses: a Device belongs to no namespace.
[[nodiscard]] std::string random_suffix();

}  // namespace harmony::op::testing
