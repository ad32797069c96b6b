# shellcheck shell=bash
# The local fleet of e2e/local: bringing it up with a sample deployment, and down to nothing.

readonly harmony=build/dev/bin/harmony
readonly composition=e2e/local/harmony.yaml
readonly sample=e2e/local/hello.yaml
readonly sample_name=hello
readonly sample_url=http://127.0.0.1:18080/
readonly wanted_devices=2
readonly managed_label=io.nationtech.harmony/managed-by device_label=io.nationtech.harmony/device
# Where harmony keeps its contexts. Every daemon of a context has its configuration or its log there.
readonly fleet_state="${XDG_STATE_HOME:-$HOME/.local/state}/harmony"
readonly online_within_s=60
readonly converged_within_s=60

# within SECONDS COMMAND…: repeats the command until it succeeds.
within() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        if ((SECONDS >= deadline)); then return 1; fi
        sleep 0.2
    done
}

# Processes of the fleet, whatever started them: "PID COMMAND" per line. They name the state folder or write their
# log there, and have no terminal, unlike somebody who reads such a log.
fleet_processes() {
    local pids
    pids="$({
        grep -lsF -f <(printf '%s/\n' "$fleet_state") /proc/[0-9]*/cmdline || true
        find /proc/[0-9]*/fd/1 -maxdepth 0 -lname "$fleet_state/*" 2>/dev/null || true
    } | cut -d / -f 3 | sort -un | paste -s -d ,)"
    if [[ -z "$pids" ]]; then return; fi
    ps -o pid=,tty=,args= -p "$pids" | awk '$2 == "?" { $2 = ""; print substr($0, 1, 120) }' || true
}

fleet_devices() { sed -nE 's/^ *- id: *//p' "$composition"; }

# containers FORMAT: those of this fleet's devices. Podman's storage may hold those of other fleets, too.
containers() {
    local device
    if ! command -v podman >/dev/null; then return; fi
    for device in $(fleet_devices); do
        podman ps --all --filter "label=$device_label=$device" --format "$1" 2>/dev/null || true
    done
}

fleet_containers() { containers '{{.ID}} {{.Names}}'; }

fleet_is_up() { [[ -n "$(fleet_processes)$(fleet_containers)" ]]; }

# TCP ports on which the fleet listens, its containers included, one per line.
fleet_ports() {
    local pid
    {
        while read -r pid _; do
            ss -Hltnp 2>/dev/null | grep -F "pid=$pid," | awk '{ print $4 }' | sed 's/.*://'
        done < <(fleet_processes)
        containers '{{.Ports}}' | grep -oE ':[0-9]+->' | tr -d ':>-' || true
    } | sort -un
}

# Those of the ports given that something still listens on.
still_listening() {
    local port
    for port in "$@"; do
        if [[ -n "$(ss -Hltn "sport = :$port")" ]]; then printf '%s\n' "$port"; fi
    done
}

# resources KIND: the resources of that kind in the JSON on stdin, however the command wraps them.
resources() { jq -cs --arg kind "$1" '[.. | objects | select(.kind? == $kind and has("metadata"))]'; }

enough_devices_online() {
    "$harmony" fleet devices --output json 2>/dev/null | resources Device |
        jq -e --argjson wanted "$wanted_devices" 'map(select(.status.online == true)) | length >= $wanted' >/dev/null
}

sample_status() {
    "$harmony" fleet deployments --output json 2>/dev/null | resources Deployment |
        jq -c --arg name "$sample_name" 'map(select(.metadata.name == $name))[0] | .status.aggregate'
}

sample_has_converged() {
    sample_status | jq -e '.matchedDeviceCount > 0 and .succeeded == .matchedDeviceCount' >/dev/null
}

sample_answers() { curl --silent --fail --max-time 2 --output /dev/null "$sample_url"; }

# fail_with_fleet TEXT: what the fleet says of itself, then the error.
fail_with_fleet() {
    "$harmony" fleet devices >&2 || true
    "$harmony" fleet deployments >&2 || true
    fail "$@" "The logs of its daemons are below $fleet_state"
}

dev_up() {
    if (($# > 0)); then fail_usage "up takes no argument"; fi
    install_packages
    compile dev
    step sample-image "Sample image" e2e/local/build_sample_image ||
        fail_with_log sample-image "the sample image could not be built"
    heading "Bringing up the fleet of $composition"
    "$harmony" apply --all --yes --file "$composition" || fail "the fleet could not be brought up" \
        "What failed is said above. The logs of its daemons are below $fleet_state"
    step devices-online "Waiting for $wanted_devices devices" within "$online_within_s" enough_devices_online ||
        fail_with_fleet "fewer than $wanted_devices devices came online within $online_within_s s"
    "$harmony" fleet apply -f "$sample" || fail "the sample deployment was not accepted"
    step sample-converged "Waiting for the sample deployment" within "$converged_within_s" sample_has_converged ||
        fail_with_fleet "the sample deployment did not succeed within $converged_within_s s"
    step sample-answers "Asking $sample_url" within 10 sample_answers ||
        fail_with_fleet "$sample_url does not answer"
    describe_fleet
}

describe_fleet() {
    say "" "$(curl --silent --max-time 2 "$sample_url")" ""
    "$harmony" fleet devices
    say ""
    "$harmony" fleet deployments
    cat <<TEXT

The fleet is up. To look further:
  what runs here             $harmony status
  ask a device               $harmony fleet ping edge-north
  after editing the sample   $harmony fleet apply -f $sample
  its containers             podman ps --filter label=$managed_label
Stop it with ./dev down.
TEXT
}

dev_down() {
    if (($# > 0)); then fail_usage "down takes no argument"; fi
    local -a ports
    local start
    start="$(now_ms)"
    if ! fleet_is_up; then
        done_step "No fleet is up" "$start"
        return
    fi
    if [[ ! -x "$harmony" ]]; then
        say "A fleet is up, but harmony is no longer built here: building it to take the fleet down."
        install_packages
        compile dev
    fi
    mapfile -t ports < <(fleet_ports)
    "$harmony" destroy --all --yes --file "$composition" || fail "the fleet could not be taken down" \
        "What failed is said above."
    check_nothing_left "${ports[@]}"
}

# check_nothing_left PORT…
check_nothing_left() {
    local start processes containers listening
    start="$(now_ms)"
    within 5 nothing_left "$@" || true
    processes="$(fleet_processes)"
    containers="$(fleet_containers)"
    listening="$(still_listening "$@" | tr '\n' ' ')"
    if [[ -z "$processes$containers$listening" ]]; then
        done_step "No process, no container and no port is left" "$start"
        return
    fi
    fail "the fleet is not gone" "processes: ${processes:-none}" "containers: ${containers:-none}" \
        "ports: ${listening:-none}"
}

nothing_left() { [[ -z "$(fleet_processes)$(fleet_containers)$(still_listening "$@")" ]]; }
