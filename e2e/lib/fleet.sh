# shellcheck shell=bash disable=SC2034,SC2154
# Sourced after sandbox.sh by tests that need a fleet: two devices on one machine, ports chosen by the topology.
# Device ids carry the run's id, because podman's storage is shared with whatever else runs here.

barn="barn-$run_id" dock="dock-$run_id"
devices="$barn $dock"
site_port=$(free_port)
readonly site_port

write_composition() {
    cat >harmony.yaml <<YAML
scores:
  - score: FleetNatsScore
    with:
      port: 0
      devices: [$barn, $dock]
  - score: FleetOperatorScore
  - score: FleetAgentScore
    with:
      heartbeat_interval_s: 2
      devices:
        - id: $barn
          labels: {site: barn, run: "$run_id"}
        - id: $dock
          labels: {site: dock, run: "$run_id"}
YAML
}

# write_deployment NAME SITE GREETING: one web service with environment and a volume, for devices of that site.
write_deployment() {
    mkdir -p "$HOME/content"
    cat >"$1.yaml" <<YAML
apiVersion: fleet.nationtech.io/v1alpha1
kind: Deployment
metadata:
  name: $1
spec:
  targetSelector:
    matchLabels: {site: $2}
  score:
    type: PodmanV0
    data:
      services:
        - name: web
          image: localhost/harmony/sample-web:1
          env: {GREETING: "$3"}
          ports: ["$site_port:8080/tcp"]
          volumes: ["$HOME/content:/content:ro"]
          restart_policy: always
YAML
}

bring_fleet_up() {
    require_podman
    write_composition
    say "bring a fleet of two devices up"
    expect_exit 0 harmony apply --all --yes
    wait_until 20 "both devices online" fleet_online 2
}

fleet_online() {
    [ "$(harmony fleet devices --output json | jq '[.. | objects | select(.online? == true)] | length')" = "$1" ]
}

# deployment_counts NAME: "matched succeeded failed pending"
deployment_counts() {
    harmony fleet deployments --output json | jq -r --arg name "$1" '
        [.. | objects | select(.metadata?.name? == $name)][0].status.aggregate
        | "\(.matchedDeviceCount) \(.succeeded) \(.failed) \(.pending)"'
}

counts_are() { [ "$(deployment_counts "$1")" = "$2" ]; }

container_ids() { device_containers "$1" --format '{{.ID}}' | sort; }

daemon_pid() { jq -r .pid "$(find "$XDG_STATE_HOME" -path "*/daemons/$1/run.json")"; }
