#include <utility>

#include "definition_parts.hpp"
#include "harmony/contracts/deployment_state.hpp"
#include "harmony/contracts/label_selector.hpp"
#include "harmony/contracts/podman_v0.hpp"
#include "harmony/contracts/resource_definitions.hpp"
#include "harmony/contracts/resources.hpp"
#include "limits.hpp"

namespace harmony::contracts {

namespace {

using structural::Json;
using structural::Presence;

// In and NotIn need values, the others must not have any.
Json values_by_operator() {
    Json with = Json::object();
    with["properties"]["operator"]["enum"] =
        Json::array({to_string(SelectorOperator::In), to_string(SelectorOperator::NotIn)});
    with["properties"]["values"]["minItems"] = 1;
    with["required"] = Json::array({"values"});
    Json without = Json::object();
    without["properties"]["operator"]["enum"] =
        Json::array({to_string(SelectorOperator::Exists), to_string(SelectorOperator::DoesNotExist)});
    without["properties"]["values"]["maxItems"] = 0;
    return Json::array({std::move(with), std::move(without)});
}

Json expression_schema() {
    Json schema = structural::object(
        "A demand on one label.",
        {{"key",
          structural::text_like("Key of the label: [<DNS name>/]<name>.", kLabelKeyPattern,
                                kMaxLabelKeyBytes),
          Presence::Required},
         {"operator",
          structural::one_of(
              "In and NotIn compare with values; Exists and DoesNotExist ask for the key alone. NotIn and "
              "DoesNotExist hold where a device lacks the label.",
              {to_string(SelectorOperator::In), to_string(SelectorOperator::NotIn),
               to_string(SelectorOperator::Exists), to_string(SelectorOperator::DoesNotExist)}),
          Presence::Required},
         {"values", structural::list_of(
                        "Values to compare with: at least one for In and NotIn, none otherwise.",
                        structural::text_like("Value of a label.", kLabelValuePattern, kMaxLabelValueBytes),
                        kMaxSelectorValues)}});
    schema["anyOf"] = values_by_operator();
    return schema;
}

Json selector_schema() {
    return structural::object(
        "Which devices are meant: those for which everything below holds. An empty selector, {}, means every "
        "device.",
        {{"matchLabels", structural::map_of("Labels that a device must have, with their values.",
                                            structural::text_like("Value of the label.", kLabelValuePattern,
                                                                  kMaxLabelValueBytes),
                                            kMaxLabels)},
         {"matchExpressions", structural::list_of("Further demands on labels; all must hold.",
                                                  expression_schema(), kMaxSelectorExpressions)}});
}

Json score_schema() {
    return structural::object(
        "What is to run on each device.",
        {{"type",
          structural::one_of("Kind of the score: PodmanV0, containers that podman runs.", {kPodmanV0Type}),
          Presence::Required},
         {"data", podman_v0_schema("The score itself, as its type wants it."), Presence::Required}});
}

Json rollout_schema() {
    Json strategy = structural::object(
        "How a changed score goes to the devices. Default: AllAtOnce.",
        {{"type",
          structural::one_of(
              "AllAtOnce: to every device at once. Rolling: device after device, within the limits below.",
              {"AllAtOnce", "Rolling"}),
          Presence::Required},
         {"maxUnavailable",
          structural::count_or_percent(
              "With Rolling: how many matching devices, or what share of them (\"25%\", rounded up), may be "
              "unavailable. No available device is updated beyond that. Default: 1.",
              1, kMaxDevices)},
         {"minReadySeconds", structural::whole_number(
                                 "With Rolling: how many seconds a device must have run the new score before "
                                 "it counts as available. Default: 0.",
                                 0, kMaxMinReadySeconds)},
         {"maxFailures", structural::count_or_percent(
                             "With Rolling: the rollout halts when more matching devices than this, "
                             "or than this share of them, report the new score as failed. Default: "
                             "0.",
                             0, kMaxDevices)}});
    return structural::object("How changes reach the devices.", {{"strategy", std::move(strategy)}});
}

Json spec_schema() {
    return structural::object(
        "What the user wants.",
        {{"targetSelector", selector_schema(), Presence::Required},
         {"score", score_schema(), Presence::Required},
         {"rollout", rollout_schema()},
         {"paused", structural::boolean("While true, no device is given a changed score. Default: false.")}});
}

Json error_schema(std::string_view description) {
    return structural::object(
        description,
        {{"device", structural::text("Id of the device.", kMaxNameBytes, 1), Presence::Required},
         {"message", structural::text("What the device reported.", kMaxLastErrorBytes), Presence::Required},
         {"at", structural::time("When the device reported it, by its own clock."), Presence::Required}});
}

Json count(std::string_view description) {
    return structural::whole_number(description, 0, kMaxDevices);
}

Json aggregate_schema() {
    return structural::object(
        "How the matching devices are doing with the newest score.",
        {{"matchedDeviceCount", count("Devices that the selector matches."), Presence::Required},
         {"succeeded", count("Of these, how many run the newest score."), Presence::Required},
         {"failed", count("Of these, how many report it as failed."), Presence::Required},
         {"pending", count("Of these, how many have yet to report on it."), Presence::Required},
         {"lastError", error_schema("The newest failure.")}});
}

Json rollout_status_schema() {
    return structural::object(
        "How far a Rolling rollout is.",
        {{"updatedDeviceCount", count("Matching devices that are to hold the newest score."),
          Presence::Required},
         {"unavailableDeviceCount",
          count("Matching devices that are offline, don't run what they are to hold, or not yet for "
                "minReadySeconds."),
          Presence::Required}});
}

Json status_schema() {
    return structural::object(
        "What the operator has seen; written by it alone.",
        {{"observedGeneration",
          structural::whole_number("The metadata.generation that this status speaks of.", 0)},
         {"aggregate", aggregate_schema()},
         {"rollout", rollout_status_schema()},
         {"failures", structural::list_of("The newest failing devices, newest first, each once.",
                                          error_schema("One failing device."), kMaxStatusFailures)},
         {"conditions", conditions_schema("Ready: every matching device runs the newest score. Progressing: "
                                          "devices are being updated. Degraded: some have failed.")}});
}

std::vector<PrinterColumn> columns() {
    return {
        {"Matched", "integer", ".status.aggregate.matchedDeviceCount", "Devices that the selector matches."},
        {"Succeeded", "integer", ".status.aggregate.succeeded", "Devices that run the newest score."},
        {"Failed", "integer", ".status.aggregate.failed", "Devices on which it failed."},
        {"Pending", "integer", ".status.aggregate.pending", "Devices that have yet to report on it."},
        {"Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status",
         "Whether every matching device runs the newest score."},
        {"Age", "date", ".metadata.creationTimestamp", "Time since the Deployment was created."},
        {"Strategy", "string", ".spec.rollout.strategy.type", "How changes reach the devices.", true},
        {"Paused", "boolean", ".spec.paused", "Whether changes are held back.", true},
        {"Progress", "string", ".status.conditions[?(@.type==\"Progressing\")].reason",
         "What the rollout is doing.", true},
        {"Last Error", "string", ".status.aggregate.lastError.message", "The newest failure.", true},
    };
}

}  // namespace

Json deployment_definition() {
    return make_definition({kDeploymentKind, kDeploymentPlural, "deployment", kDeploymentShortName, true},
                           "Deployment describes what runs on the devices of a fleet whose labels match.",
                           {{"spec", spec_schema(), Presence::Required}, {"status", status_schema()}},
                           columns());
}

}  // namespace harmony::contracts
