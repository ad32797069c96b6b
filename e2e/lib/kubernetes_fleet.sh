# shellcheck shell=bash disable=SC2034,SC2154
# Sourced after kubernetes.sh by tests that need a fleet on pods: a server, an operator, two agents, and credentials for
# a device outside. The Scores are those of a local fleet; what is added says where pods come from.

readonly node_port=30423

write_cluster_composition() {
    barn=$name_space-barn
    dock=$name_space-dock
    outside=$name_space-outside
    devices="$outside"
    cat >harmony.yaml <<YAML
scores:
  - score: FleetNatsScore
    with:
      namespace: $name_space
      image: $(image_of harmony-nats-server)
      node_port: $node_port
      devices: [$barn, $dock, $outside]
  - score: FleetOperatorScore
    with:
      namespace: $name_space
      image: $(image_of harmony-fleet-operator)
      heartbeat_interval_s: 2
      heartbeat_stale_after_s: 6
  - score: FleetAgentScore
    with:
      namespace: $name_space
      image: $(image_of harmony-fleet-agent)
      runtime_enabled: false
      heartbeat_interval_s: 2
      devices:
        - id: $barn
          labels: {site: barn}
        - id: $dock
          labels: {site: dock}
YAML
}

begin_fleet_on_pods() {
    begin_on_pods
    use_context
    write_cluster_composition
}

bring_cluster_fleet_up() {
    say "bring a fleet of two devices up on pods"
    expect_exit 0 harmony apply --all --yes
    wait_until 60 "both devices online" cluster_devices_online 2
}

cluster_devices_online() {
    [ "$(kubectl get fleetdev -o json | jq --arg prefix "$name_space-" '
        [.items[] | select((.metadata.name | startswith($prefix)) and .status.online == true)] | length')" = "$1" ]
}

# write_resource NAME SELECTOR IMAGE: a Deployment as kubectl takes it. SELECTOR is the inside of a targetSelector.
write_resource() {
    cat >"$1.yaml" <<YAML
apiVersion: fleet.nationtech.io/v1alpha1
kind: Deployment
metadata:
  name: $1
  namespace: $name_space
spec:
  targetSelector: {$2}
  score:
    type: PodmanV0
    data:
      services:
        - name: web
          image: $3
YAML
}

# Of the custom resource: "matched succeeded failed pending", once the operator has seen its newest form.
resource_counts_are() {
    local found
    found=$(kubectl get fleetdep -n "$name_space" "$1" -o json | jq -r '
        if .status.observedGeneration != .metadata.generation then "not seen yet" else
        .status.aggregate | "\(.matchedDeviceCount) \(.succeeded) \(.failed) \(.pending)" end')
    printf '%s: %s\n' "$1" "$found"
    [ "$found" = "$2" ]
}

resource_is_gone() { is_empty kubectl get fleetdep -n "$name_space" "$1" --ignore-not-found -o name; }

# Of a workload's pods; remembered before one is deleted, so that its successor is known.
pod_uid() { kubectl get pods -n "$name_space" -l "app.kubernetes.io/name=$1" -o 'jsonpath={.items[*].metadata.uid}'; }

pod_is_replaced() { # pod_is_replaced WORKLOAD FORMER_UID
    local found
    found=$(kubectl get pods -n "$name_space" -l "app.kubernetes.io/name=$1" -o json | jq -r '
        .items[] | select(.metadata.deletionTimestamp | not)
        | select(any(.status.conditions[]?; .type == "Ready" and .status == "True")) | .metadata.uid')
    [ -n "$found" ] && [ "$found" != "$2" ]
}
