# shellcheck shell=bash disable=SC2154
# Sections stack, commands and idle: a fleet on this machine, with two agents and podman.

readonly pier="pier-$run_id"

# Leaves what it measured and found in $sandbox/stack, for the sections' own shells.
bring_stack_up() {
    local started first_ms again_ms topology port socket
    require_podman
    say "a local stack from nothing to verified"
    write_composition
    sed -i "/heartbeat_interval_s/d; s/devices: \[$barn, $dock\]/devices: [$barn, $dock, $pier]/" harmony.yaml
    started=$(now_ms)
    harmony apply --all --yes >"$sandbox/apply.log" 2>&1 || fail "apply: $(<"$sandbox/apply.log")"
    first_ms=$(($(now_ms) - started))
    started=$(now_ms)
    harmony apply --all --yes >"$sandbox/apply.log" 2>&1 || fail "apply again: $(<"$sandbox/apply.log")"
    again_ms=$(($(now_ms) - started))
    wait_until 20 "both devices online" fleet_online 2
    topology=$(dirname "$(dirname "$(find "$XDG_STATE_HOME" -path '*/daemons/fleet-nats' -type d)")")
    port=$(jq -r '.. | objects | .client? // empty' "$topology"/daemons/fleet-nats/*.json | head -n 1)
    socket=$(ss -Hlx | awk '{print $5}' | grep -F podman | grep -F -e "$sandbox" -e "$XDG_RUNTIME_DIR" | head -n 1)
    write_third_device
    declare -p first_ms again_ms topology port socket >"$sandbox/stack"
}

# A device that the server knows and nobody is.
write_third_device() {
    printf 'nats_user = "device-%s"\nnats_pass = "%s"\n' "$pier" "$(<"$topology/secrets/nats/device/$pier.secret")" |
        install -m 0600 /dev/stdin "$sandbox/pier-credentials.toml"
    cat >"$sandbox/pier.toml" <<TOML
[agent]
device_id = "$pier"
state_dir = "$sandbox/pier"
[nats]
urls = ["nats://127.0.0.1:$port"]
[credentials]
type = "toml-shared"
file = "$sandbox/pier-credentials.toml"
[podman]
socket = "$socket"
TOML
    mkdir -m 0700 "$sandbox/pier"
}

measure_stack() {
    # shellcheck source=/dev/null
    source "$sandbox/stack"
    row "local stack from nothing to verified" "$first_ms ms" "–" "–"
    row "the same again, nothing to do, verified" "$again_ms ms" "–" "–"
}

measure_commands() {
    # shellcheck source=/dev/null
    source "$sandbox/stack"
    local url=nats://127.0.0.1:$port admin=$topology/secrets/nats/admin.secret
    say "pings and raw requests"
    "$tests/harmony-bench-ping" "$url" "$admin" "$barn" 4000 "$pier" "$sandbox/pier-credentials.toml" >>"$samples"
    compare_rows "ping through the client" ping "raw request" raw-request ratio
    row "the raw request under a device's permissions, p50" "$(p50 raw-device) ms" "raw request $(p50 raw-request) ms" "$(ratio "$(p50 raw-device)" "$(p50 raw-request)")"
    say "Deployments of one container"
    "$tests/harmony-bench-fleet" "$url" "$admin" "$barn" barn "$socket" localhost/harmony/sample-web:1 "$sandbox" >>"$samples"
    compare_rows "\`apply\` to the agent's start of work" to-start "the same hops raw, and an fsync:" raw-chain ratio
    row "\`apply\` to running container, p50" "$(p50 to-running) ms" "libpod create + start $(p50 podman) ms" "ours: $(over "$(p50 to-running)" "$(p50 podman)")"
    row "\`apply\` to running container, p99" "$(p99 to-running) ms" "libpod create + start $(p99 podman) ms" "ours: $(over "$(p99 to-running)" "$(p99 podman)")"
    row "agent, resident after the above" "$(memory "$(daemon_pid "fleet-agent-$barn")")" "–" "–"
}

measure_idle() {
    # shellcheck source=/dev/null
    source "$sandbox/stack"
    local bare="$tests/harmony-bench-agent-start" url="nats://127.0.0.1:$port" agent operator client
    local agent_before operator_before client_before agent_used operator_used client_used
    say "an agent's start"
    "$bare" measure "$url" "$topology/secrets/nats/admin.secret" "$pier" 20 "$sandbox/pier-credentials.toml" \
        "$build/bin/harmony-fleet-agent" --config "$sandbox/pier.toml" >>"$samples" 2>"$sandbox/pier.log"
    compare_rows "agent, start to answering" agent-start "a client with two subscriptions" client-start over

    say "an idle agent for $idle_s seconds"
    "$bare" client "$url" "$sandbox/pier-credentials.toml" "$pier" &
    client=$!
    # shellcheck disable=SC2064
    trap "kill $client 2>/dev/null || true" EXIT
    sleep 3
    agent=$(daemon_pid "fleet-agent-$dock")
    operator=$(daemon_pid fleet-operator)
    agent_before=$(cpu_ms "$agent")
    operator_before=$(cpu_ms "$operator")
    client_before=$(cpu_ms "$client")
    sleep "$idle_s"
    agent_used=$(used_since "$agent" "$agent_before")
    operator_used=$(used_since "$operator" "$operator_before")
    client_used=$(used_since "$client" "$client_before")
    row "idle agent, CPU in $idle_s s" "$agent_used ms" "that client, idle: $client_used ms" "–"
    row "idle operator, two devices, CPU in $idle_s s" "$operator_used ms" "–" "–"
    row "idle agent, memory" "$(memory "$agent")" "that client: $(memory "$client")" "–"
    row "idle operator, two devices, memory" "$(memory "$operator")" "–" "–"
}
