# shellcheck shell=bash disable=SC2154
# Section kubernetes: operators whose resources are a real API server's, without a node for pods.

readonly cluster_devices=${HARMONY_BENCH_CLUSTER_DEVICES:-10000}
readonly cluster_namespace=harmony-bench
readonly counting_requests_s=60

# The programs of Kubernetes are compiled once, into the user's own cache.
cluster() { HOME=$users_home XDG_CACHE_HOME=$users_cache "$source_dir/e2e/cluster/cluster" --dir "$sandbox/cluster" "$@"; }
kubectl() { "$(find "$users_cache/harmony/kubernetes" -path '*/bin/kubectl' | sort | tail -n 1)" --kubeconfig "$kubeconfig" "$@"; }

measure_kubernetes() {
    local url kubeconfig
    folder=$sandbox/kubernetes server='' simulator='' leader='' standby=''
    mkdir -m 0700 "$folder"
    url=nats://127.0.0.1:$(free_port)
    trap end_cluster EXIT
    say "an API server"
    cluster up --no-node >"$folder/cluster.log" 2>&1 || fail "the cluster: $(tail -n 5 "$folder/cluster.log")"
    kubeconfig=$(cluster kubeconfig)
    write_plain_server "$folder" "$url" 1GiB 4GiB
    start_plain_server "$folder" "$url"
    bench_cluster install
    start_cluster_operator leader
    leader=$!
    wait_until 60 "a leading operator" is_leading leader
    start_cluster_operator standby
    standby=$!
    wait_until 60 "a ready standby" is_ready standby
    count_requests idle
    say "$cluster_devices simulated devices; their resources are written at 50 a second"
    start_cluster_simulator
    wait_for_devices
    count_requests busy
    say "changes of a resource"
    bench_cluster changes 100 sim-0
    request_rows
    say "the leading operator is killed"
    measure_failover
}

end_cluster() {
    # shellcheck disable=SC2086
    end_all $simulator $leader $standby $server
    cluster down >/dev/null 2>&1 || true
}

bench_cluster() { "$tests/harmony-bench-cluster" "$kubeconfig" "$cluster_namespace" "$url" "$@" >>"$samples"; }

# start_cluster_operator NAME
start_cluster_operator() {
    local port
    port=$(free_port)
    printf '%s\n' "$port" >"$folder/$1.port"
    install -m 0600 /dev/stdin "$folder/$1.toml" <<TOML
[operator]
namespace = "$cluster_namespace"
state_dir = "$folder/$1"
health_port = $port
[resources]
store = "kubernetes"
[kubernetes]
kubeconfig = "$kubeconfig"
[nats]
urls = ["$url"]
[credentials]
type = "toml-shared"
nats_user = "operator"
nats_pass = "not asked for by this server"
TOML
    "$build/bin/harmony-fleet-operator" --config "$folder/$1.toml" >"$folder/$1.log" 2>&1 &
}

is_ready() { curl -fsS "http://127.0.0.1:$(<"$folder/$1.port")/readyz"; }
is_leading() { is_ready "$1" && "$tests/harmony-bench-scale" "$url" - wait-ready; }

start_cluster_simulator() {
    "$build/bin/harmony-fleet-simulator" --nats "$url" --devices "$cluster_devices" --label 'unit=unit-{n}' --run 200ms \
        --join-rate 1000 --report "$folder/report.json" 2>"$folder/simulator.log" &
    simulator=$!
}

device_resources() { kubectl get --raw "/apis/fleet.nationtech.io/v1alpha1/devices?limit=1" | jq '(.items | length) + (.metadata.remainingItemCount // 0)'; }

# Gives up where none is added for a minute.
wait_for_devices() {
    local known most=0 grown_at=$SECONDS told_at=$SECONDS
    while :; do
        known=$(device_resources)
        if ((known >= cluster_devices)); then return; fi
        if ((known > most)); then most=$known grown_at=$SECONDS; fi
        ((SECONDS - grown_at < 60)) || fail "only $known of $cluster_devices Device resources are there"
        if ((SECONDS - told_at >= 10)); then
            say "$known of $cluster_devices Device resources"
            told_at=$SECONDS
        fi
        sleep 1
    done
}

requests_so_far() { kubectl get --raw /metrics | awk '/^apiserver_request_total\{/ { n += $NF } END { printf "%.0f", n }'; }

# count_requests NAME: a sample of the API server's requests a second. The two that count them are among them.
count_requests() {
    local before
    say "counting requests for $counting_requests_s s"
    before=$(requests_so_far)
    sleep "$counting_requests_s"
    printf 'requests-%s\t%s\n' "$1" "$(per "$(($(requests_so_far) - before))" "$counting_requests_s" 2)" >>"$samples"
}

request_rows() {
    local what="$cluster_devices devices with Device resources"
    compare_rows "change of a Deployment resource to desired-state" resource-change "PATCH of a ConfigMap to a watch, and a put to a subscriber" resource-hops ratio
    row "$what: requests to the API server" "$(field requests-busy 2) /s" "two operators without a device: $(field requests-idle 2) /s" "–"
    row "$what: the leading operator's memory" "$(memory "$leader")" "the standby: $(memory "$standby")" "–"
}

measure_failover() {
    bench_cluster failover 100 sim-1 &
    local writer=$!
    sleep 5
    kill_hard "$leader"
    wait "$writer" || fail "not every Deployment that the API server confirmed came to desired-state"
    row "leading operator killed: the longest from a confirmed resource to its desired state" "$(field failover 2) ms" "–" "written twice: $(field failover-doubled 2) of 100"
}
