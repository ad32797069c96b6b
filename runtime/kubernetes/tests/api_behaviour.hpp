// What an API server does, stated once and run against the fake and against a real one.
#pragma once

#include <string>

#include "harmony/kubernetes/client.hpp"

namespace harmony::runtime::kubernetes::testing {

struct Subject {
    KubernetesClient& client;
    KubernetesClient& other;  // another client of the same server
    std::string name_space;   // exists, and belongs to this test
};

[[nodiscard]] ResourceType config_map_type();
[[nodiscard]] ObjectRef config_map(const Subject& subject, const std::string& name);
[[nodiscard]] Json config_map_object(const std::string& name, const Json& data);

void absence_existence_and_staleness_are_told_apart(const Subject& subject);
void apply_names_the_managers_in_its_way(const Subject& subject);
void a_dry_run_changes_nothing(const Subject& subject);
void a_finalizer_keeps_an_object_until_it_is_removed(const Subject& subject);
void lists_come_in_pages(const Subject& subject);
void a_watch_tells_what_is_and_what_changes(const Subject& subject);
void a_lease_has_one_holder_and_passes_on(const Subject& subject);
void a_repeated_event_counts(const Subject& subject);

}  // namespace harmony::runtime::kubernetes::testing
