// Readers and writers of the parts that several documents share. Private to contracts.
#pragma once

#include "harmony/contracts/deployment_state.hpp"
#include "harmony/contracts/desired_state.hpp"
#include "harmony/contracts/device_info.hpp"
#include "harmony/contracts/label_selector.hpp"
#include "harmony/contracts/podman_v0.hpp"
#include "harmony/contracts/remote_error.hpp"
#include "harmony/contracts/resources.hpp"
#include "json_field.hpp"
#include "limits.hpp"

namespace harmony::contracts {

void read_selector(const Field& field, LabelSelector& out);
[[nodiscard]] Json write_selector(const LabelSelector& selector);

void read_score(const Field& field, Score& out);
[[nodiscard]] Json write_score(const Score& score);
// Rejects what check_score refuses, naming the fields below `field`.
void require_known_score(const Field& field, const Score& score);

void read_podman_v0(const Field& field, PodmanV0& out);

void read_deployment_state(const Field& field, DeploymentState& out);
[[nodiscard]] Json write_deployment_state(const DeploymentState& state);

void read_metadata(const Field& field, ObjectMeta& out);
[[nodiscard]] Json write_metadata(const ObjectMeta& metadata);
void read_conditions(const Field& field, std::vector<Condition>& out);
[[nodiscard]] Json write_conditions(const std::vector<Condition>& conditions);
// apiVersion and kind.
void require_type(const Field& document, std::string_view kind);

void read_rollout(const Field& field, RolloutStrategy& out);
[[nodiscard]] Json write_rollout(const RolloutStrategy& strategy);

void read_deployment(const Field& field, Deployment& out);
[[nodiscard]] Json write_deployment(const Deployment& deployment);
void read_device(const Field& field, Device& out);
[[nodiscard]] Json write_device(const Device& device);

// The error in a reply that was parsed already; none when the reply has no `error` member.
[[nodiscard]] Result<std::optional<RemoteError>> find_remote_error_in(const Json& reply);

// Decodes a reply: an error document becomes its Error, anything else is read with `read`.
template <class Document, class Read>
[[nodiscard]] Result<Document> decode_reply(std::string_view json, Read read) {
    const auto parsed = parse_document(json, kMaxDocumentBytes);
    if (!parsed) return fail(parsed.error());
    auto remote = find_remote_error_in(*parsed);
    if (!remote) return fail(remote.error());
    if (*remote) return fail((*remote)->to_error());
    DecodeState state;
    Document out{};
    const Field root(*parsed, state);
    if (root.object()) read(root, out);
    if (state.error) return fail(*std::move(state.error));
    return out;
}

}  // namespace harmony::contracts
