// What callers do with more than one call: whole lists, types by kind, finalizers, waiting for an end,
// events.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/kubernetes/client.hpp"

namespace harmony::runtime::kubernetes {

// Every page; begins again once where the list became too old on the way.
[[nodiscard]] Answer<std::vector<Json>> list_all(KubernetesClient& client, const ResourceType& type,
                                                 const std::string& name_space, ListOptions options = {},
                                                 const CallLimits& limits = {});

// Which resource a kind is, asked once for each version. One thread at a time; the client must outlive it.
class TypeCatalog {
 public:
    explicit TypeCatalog(KubernetesClient& client) : client_(client) {}
    // NotFound: the server does not have it, also after asking again (a definition may have come meanwhile).
    [[nodiscard]] Answer<ResourceType> find(const std::string& api_version, const std::string& kind,
                                            const CallLimits& limits = {});

 private:
    KubernetesClient& client_;
    std::map<std::string, std::vector<ResourceType>> known_;
};

// Adds or removes one finalizer and leaves the others, whoever else changes the object meanwhile. Removing
// from an object that is gone is done.
[[nodiscard]] Answer<void> set_finalizer(KubernetesClient& client, const ObjectRef& ref,
                                         const std::string& finalizer, bool present,
                                         const CallLimits& limits = {});

// Polls until the object, or the one with that uid, is gone. Timeout: names the finalizers that keep it.
[[nodiscard]] Answer<void> wait_until_gone(KubernetesClient& client, const ObjectRef& ref,
                                           std::chrono::milliseconds deadline, const std::string& uid = {});

struct EventNote {
    bool warning = false;
    std::string reason;   // one word in CamelCase
    std::string message;  // for people, at most 1024 bytes are kept
    std::string component = "harmony";
};

// The Event (v1) of a note on an object. Its name follows from object, reason and message, so that a
// repetition counts instead of adding. Pure.
[[nodiscard]] Json make_event(const Json& involved, const EventNote& note,
                              std::chrono::system_clock::time_point now);
// Creates it, or raises its count.
[[nodiscard]] Answer<void> record_event(KubernetesClient& client, const Json& involved, const EventNote& note,
                                        std::chrono::system_clock::time_point now,
                                        const CallLimits& limits = {});

struct ExecOutcome {
    int exit_code = 0;
    std::string standard_output;
    std::string standard_error;
};

// Runs a command in a pod to its end; each output may have a MiB.
[[nodiscard]] Answer<ExecOutcome> exec(KubernetesClient& client, const PodRef& pod,
                                       const ExecRequest& request, const CallLimits& limits = {});

}  // namespace harmony::runtime::kubernetes
