// The SDK's names that the verbs of a Score on processes or on a cluster are written with, by their short
// form: whoever takes the names of fleet_access has them, too. All but Result, which harmony itself has one
// of.
#pragma once

#include <harmony/capability/kubernetes.hpp>
#include <harmony/capability/process_host.hpp>
#include <harmony/capability/secret_store.hpp>
#include <harmony/capability/service_directory.hpp>
#include <harmony/plugin/plan.hpp>

namespace harmony::fleet_access {

using plugin::Action;
using plugin::Check;
using plugin::DaemonSpec;
using plugin::failure;
using plugin::Json;
using plugin::Kubernetes;
using plugin::Object;
using plugin::Plan;
using plugin::PlanRequest;
using plugin::ProcessHost;
using plugin::Purpose;
using plugin::SecretStore;
using plugin::ServiceDirectory;
using plugin::Step;

}  // namespace harmony::fleet_access
