# shellcheck shell=bash disable=SC2034,SC2154
# Sourced after sandbox.sh by tests that need many devices: a NATS server, the operator and the fleet simulator as
# plain processes, so that each can be killed and started again at any moment. No podman is involved.

source "$source_dir/e2e/lib/plain_fleet.sh"

nats_url=nats://127.0.0.1:$(free_port)
readonly nats_url
tests=$HARMONY_BUILD/tests
readonly tests
server='' operator='' simulator='' load=''

# The sandbox leaves the shell's own children alone: these are ended here, with the status kept for what follows.
end_simulated_fleet() {
    local status=$1
    set +e
    # shellcheck disable=SC2086
    end_all $load $simulator $operator $server
    (exit "$status")
    remove_sandbox
}
trap 'end_simulated_fleet $?' EXIT

write_simulated_fleet() {
    write_plain_server "$sandbox" "$nats_url" 512MiB 4GiB
    write_plain_operator "$sandbox" "$nats_url" simulated
}

start_server() { start_plain_server "$sandbox" "$nats_url"; }
start_operator() { start_plain_operator "$sandbox"; }

# start_simulator DEVICES ARGUMENT...
start_simulator() {
    "$HARMONY_BUILD/bin/harmony-fleet-simulator" --nats "$nats_url" --devices "$@" \
        --report "$sandbox/report.json" 2>>"$sandbox/simulator.log" &
    simulator=$!
}

# nearly_all_online COUNT: but for those that churn keeps away.
nearly_all_online() {
    local online
    online=$(tail -n 1 "$sandbox/simulator.log" | sed -nE 's/.* online ([0-9]+)\/.*/\1/p')
    [ "${online:-0}" -ge $(($1 * 99 / 100)) ]
}

# show_logs: for a failed test.
show_logs() { tail -n 15 "$sandbox/operator.log" "$sandbox/simulator.log" "$sandbox/nats.log" >&2 || true; }
