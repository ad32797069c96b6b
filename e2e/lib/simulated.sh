# shellcheck shell=bash disable=SC2034,SC2154
# Sourced after sandbox.sh by tests that need many devices: a NATS server, the operator and the fleet simulator as
# plain processes, so that each can be killed and started again at any moment. No podman is involved.

nats_url=nats://127.0.0.1:$(free_port)
readonly nats_url
tests=$HARMONY_BUILD/tests
readonly tests
server='' operator='' simulator='' load=''

# The sandbox leaves the shell's own children alone: these are ended here, with the status kept for what follows.
end_simulated_fleet() {
    local status=$1 pid
    set +e
    for pid in $load $simulator $operator $server; do kill -9 "$pid" 2>/dev/null; done
    (exit "$status")
    remove_sandbox
}
trap 'end_simulated_fleet $?' EXIT

write_simulated_fleet() {
    cat >"$sandbox/nats.conf" <<CONF
listen: "${nats_url#nats://}"
max_subscriptions: 0
max_pending: 256MiB
jetstream: { store_dir: "$sandbox/jetstream", max_mem: 512MiB, max_file: 4GiB, sync_interval: "2s" }
CONF
    install -m 0600 /dev/stdin "$sandbox/operator.toml" <<TOML
[operator]
namespace = "simulated"
state_dir = "$sandbox/operator"
[nats]
urls = ["$nats_url"]
[credentials]
type = "toml-shared"
nats_user = "operator"
nats_pass = "not asked for by this server"
TOML
}

server_accepts() { (exec 3<>"/dev/tcp/127.0.0.1/${nats_url##*:}") 2>/dev/null; }

start_server() {
    nats-server -c "$sandbox/nats.conf" >>"$sandbox/nats.log" 2>&1 &
    server=$!
    wait_until 10 "the NATS server" server_accepts
}

start_operator() {
    "$HARMONY_BUILD/bin/harmony-fleet-operator" --config "$sandbox/operator.toml" >>"$sandbox/operator.log" 2>&1 &
    operator=$!
}

# start_simulator DEVICES ARGUMENT...
start_simulator() {
    "$HARMONY_BUILD/bin/harmony-fleet-simulator" --nats "$nats_url" --devices "$@" \
        --report "$sandbox/report.json" 2>>"$sandbox/simulator.log" &
    simulator=$!
}

# kill_hard PID: SIGKILL, and no word of the shell about it.
kill_hard() {
    kill -9 "$1"
    wait "$1" 2>/dev/null || true
}

# nearly_all_online COUNT: but for those that churn keeps away.
nearly_all_online() {
    local online
    online=$(tail -n 1 "$sandbox/simulator.log" | sed -nE 's/.* online ([0-9]+)\/.*/\1/p')
    [ "${online:-0}" -ge $(($1 * 99 / 100)) ]
}

# show_logs: for a failed test.
show_logs() { tail -n 15 "$sandbox/operator.log" "$sandbox/simulator.log" "$sandbox/nats.log" >&2 || true; }
