// What a container runtime does, stated once and run against the fake and against podman.
#pragma once

#include "harmony/podman/container_runtime.hpp"

namespace harmony::runtime::podman::testing {

struct Subject {
    ContainerRuntime& runtime;
    std::string image;   // exists; sleeps where no command is given
    std::string run_id;  // part of every name
    bool is_fake = false;
};

void a_container_lives(const Subject& subject);
void absence_and_conflict_are_told_apart(const Subject& subject);
void containers_are_listed_by_labels(const Subject& subject);
void events_are_told(const Subject& subject);
void commands_run_in_a_container(const Subject& subject);

ContainerSpec spec_for(const Subject& subject, const std::string& name);

}  // namespace harmony::runtime::podman::testing
