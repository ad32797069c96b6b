# shellcheck shell=bash disable=SC2034
# Sourced after sandbox.sh: a NATS server that asks nobody for a password, and an operator, as plain processes, each with
# its files in a folder. `server` and `operator` are their process ids.

# write_plain_server FOLDER URL MEMORY DISK: the limits are JetStream's.
write_plain_server() {
    cat >"$1/nats.conf" <<CONF
listen: "${2#nats://}"
max_subscriptions: 0
max_pending: 256MiB
jetstream: { store_dir: "$1/jetstream", max_mem: $3, max_file: $4, sync_interval: "2s" }
CONF
}

# write_plain_operator FOLDER URL NAMESPACE
write_plain_operator() {
    install -m 0600 /dev/stdin "$1/operator.toml" <<TOML
[operator]
namespace = "$3"
state_dir = "$1/operator"
[nats]
urls = ["$2"]
[credentials]
type = "toml-shared"
nats_user = "operator"
nats_pass = "not asked for by this server"
TOML
}

server_accepts() { (exec 3<>"/dev/tcp/127.0.0.1/${1##*:}") 2>/dev/null; }

# start_plain_server FOLDER URL
start_plain_server() {
    nats-server -c "$1/nats.conf" >>"$1/nats.log" 2>&1 &
    server=$!
    wait_until 30 "the NATS server" server_accepts "$2"
}

# start_plain_operator FOLDER
start_plain_operator() {
    "$HARMONY_BUILD/bin/harmony-fleet-operator" --config "$1/operator.toml" >>"$1/operator.log" 2>&1 &
    operator=$!
}

# kill_hard PID: SIGKILL, and no word of the shell about it. One that has ended by itself is a failure.
kill_hard() {
    kill -9 "$1"
    wait "$1" 2>/dev/null || true
}

# end_all PID...: those that are still there.
end_all() {
    local pid
    for pid; do
        kill -9 "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
}
