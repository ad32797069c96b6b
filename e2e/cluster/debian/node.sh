# shellcheck shell=bash disable=SC2154
# The node: containerd, kubelet and kube-proxy on a bridge of their own. kube-proxy's rules are the machine's, so there
# is one such cluster on a machine. Everything it changes outside the cluster's folder is undone by stop_node.

readonly bridge=harmony-pods
readonly node_image=localhost/harmony/busybox:1
readonly -a node_sysctls=(net.ipv4.ip_forward net.ipv4.conf.all.route_localnet net.bridge.bridge-nf-call-iptables)

kube_chains() { iptables-save 2>/dev/null | grep -c '^:KUBE-' || true; }

check_node_possible() {
    if ((EUID != 0)); then
        fail "a node needs root: it mounts, makes network interfaces and iptables rules" \
            "Run it as root, or start the API alone: e2e/cluster/cluster up --no-node"
    fi
    if [[ ! -e /proc/sys/net/bridge/bridge-nf-call-iptables ]]; then modprobe br_netfilter 2>/dev/null || true; fi
    if [[ ! -e /proc/sys/net/bridge/bridge-nf-call-iptables ]]; then
        fail "the kernel has no br_netfilter, without which Services do not reach pods of the same node" \
            "Load it (modprobe br_netfilter), or start the API alone: e2e/cluster/cluster up --no-node"
    fi
    if ip link show "$bridge" >/dev/null 2>&1; then
        fail "the bridge $bridge is there already: another cluster with a node runs on this machine" \
            "Stop it first: e2e/cluster/cluster --dir ITS_FOLDER down"
    fi
    if (($(kube_chains) > 0)); then
        fail "rules of another kube-proxy are in this machine's iptables" "Two of them cannot share a machine."
    fi
}

# free_prefix FIRST: the first 10.N that no route and no address of this machine uses.
free_prefix() {
    local number routes
    routes="$(ip -4 route show table all)"
    for ((number = $1; number < 255; ++number)); do
        if ! grep -qF "10.$number." <<<"$routes"; then
            printf '10.%s' "$number"
            return
        fi
    done
    fail "no network 10.N.0.0/16 is free on this machine"
}

# Lines for the settings: addresses, ports, and what stop_node puts back.
choose_node_settings() {
    local pods services name
    local -a ports
    pods="$(free_prefix 210)"
    services="$(free_prefix "$((${pods#10.} + 1))")"
    mapfile -t ports < <(free_ports 4)
    printf 'api_address=%s.0.1 advertised_address=%s.0.1 endpoint_reconciler=master-count\n' "$pods" "$pods"
    printf 'service_prefix=%s pod_prefix=%s node_name=harmony-node\n' "$services" "$pods"
    printf 'kubelet_port=%s kubelet_health_port=%s proxy_health_port=%s proxy_metrics_port=%s\n' "${ports[@]}"
    printf 'declare -gA sysctls_before=('
    for name in "${node_sysctls[@]}"; do printf '[%s]=%s ' "$name" "$(sysctl -n "$name")"; done
    printf ')\n'
}

# The kubelet writes logs of pods here, wherever its own folder is; the first one on a machine makes the folders.
pod_logs() { { find /var/log/pods /var/log/containers -maxdepth 1 2>/dev/null || true; } | sort; }

# What was there before this cluster is somebody else's.
remove_pod_logs() {
    if [[ ! -f "$dir/pod-logs-before" ]]; then return; fi
    comm -13 "$dir/pod-logs-before" <(pod_logs) | sort -r | xargs -r -d '\n' rm -rf
}

prepare_network() {
    ip link add "$bridge" type bridge
    ip addr add "$pod_prefix.0.1/24" dev "$bridge"
    ip link set "$bridge" up
    sysctl -q -w net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1
    mkdir -p "$dir/cni"
    # No masquerading and no host ports: pods talk to each other, to Services and to this machine.
    cat >"$dir/cni/10-harmony.conflist" <<JSON
{"cniVersion": "0.4.0", "name": "harmony", "plugins": [
  {"type": "bridge", "bridge": "$bridge", "isGateway": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "$dir/cni-addresses", "routes": [{"dst": "0.0.0.0/0"}],
            "ranges": [[{"subnet": "$pod_prefix.0.0/24", "rangeStart": "$pod_prefix.0.10"}]]}}]}
JSON
}

# A sandbox needs an image with a command: one static busybox that sleeps, and serves as a small image for pods, too.
# Written as an archive that ctr imports.
make_node_image() {
    local work="$dir/image" layer config applet
    mkdir -p "$work/root/bin"
    install -m 0755 /bin/busybox "$work/root/bin/busybox"
    for applet in sh sleep; do ln -s busybox "$work/root/bin/$applet"; done
    chmod -R a+rX "$work/root"
    tar -C "$work/root" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$work/layer.tar" .
    layer="$(sha256sum "$work/layer.tar" | cut -d ' ' -f 1)"
    jq -n --arg layer "sha256:$layer" --arg arch "$(dpkg --print-architecture)" \
        '{architecture: $arch, os: "linux", config: {Cmd: ["/bin/sleep", "2147483647"]},
          rootfs: {type: "layers", diff_ids: [$layer]}}' >"$work/config.json"
    config="$(sha256sum "$work/config.json" | cut -d ' ' -f 1)"
    mv "$work/config.json" "$work/$config.json"
    jq -n --arg config "$config.json" --arg tag "$node_image" \
        '[{Config: $config, RepoTags: [$tag], Layers: ["layer.tar"]}]' >"$work/manifest.json"
    tar -C "$work" -cf "$dir/image.tar" manifest.json "$config.json" layer.tar
    rm -rf "$work"
}

# Root folders and volumes of pods are entered by other users.
start_for_pods() {
    local before
    before="$(umask)"
    umask 022
    start_program "$@"
    umask "$before"
}

start_containerd() {
    # Pods that run as another user enter these folders.
    mkdir -p "$dir/containerd" "$dir/containerd-state" "$dir/registries"
    chmod 0711 "$dir" "$dir/containerd" "$dir/containerd-state"
    cat >"$dir/containerd.toml" <<TOML
version = 2
root = "$dir/containerd"
state = "$dir/containerd-state"
[grpc]
  address = "$dir/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$node_image"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$dir/cni"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "$dir/registries"
TOML
    start_for_pods containerd containerd --config "$dir/containerd.toml"
}

cluster_ctr() { ctr --address "$dir/containerd.sock" -n k8s.io "$@"; }

start_kubelet() {
    mkdir -p "$dir/kubelet"
    chmod 0711 "$dir/kubelet"
    # Requests to the API server are limited as in Kubernetes since 1.27: ten times what 1.20 allows, where words about
    # pods that start together come late.
    cat >"$dir/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $api_address
port: $kubelet_port
healthzPort: $kubelet_health_port
readOnlyPort: 0
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $dir/pki/ca.crt}}
authorization: {mode: Webhook}
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
failSwapOn: false
resolvConf: ""
clusterDomain: $cluster_domain
clusterDNS: [$pod_prefix.0.1]
volumePluginDir: $dir/kubelet-plugins
kubeAPIQPS: 50
kubeAPIBurst: 100
nodeStatusUpdateFrequency: 1s
nodeStatusReportFrequency: 10s
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
evictionHard: {memory.available: 50Mi, nodefs.available: 1%, nodefs.inodesFree: 1%, imagefs.available: 1%}
YAML
    start_for_pods kubelet "$kubernetes/bin/kubelet" --config "$dir/kubelet.yaml" \
        --kubeconfig "$dir/kubeconfigs/kubelet" --root-dir "$dir/kubelet" --cert-dir "$dir/pki/kubelet" \
        --hostname-override "$node_name" --node-ip "$api_address" --container-runtime remote \
        --container-runtime-endpoint "unix://$dir/containerd.sock"
}

start_kube_proxy() {
    start_program kube-proxy "$kubernetes/bin/kube-proxy" --kubeconfig "$dir/kubeconfigs/kube-proxy" \
        --proxy-mode iptables --cluster-cidr "$pod_prefix.0.0/24" --hostname-override "$node_name" \
        --bind-address "$api_address" --healthz-bind-address "127.0.0.1:$proxy_health_port" \
        --metrics-bind-address "127.0.0.1:$proxy_metrics_port" --conntrack-max-per-core 0 \
        --conntrack-tcp-timeout-established 0 --conntrack-tcp-timeout-close-wait 0
}

node_is_ready() {
    api_get "/api/v1/nodes/$node_name" |
        jq --exit-status '.status.conditions | any(.type == "Ready" and .status == "True")'
}

proxy_works() { iptables -t nat -n -L KUBE-SERVICES | grep -q "$service_prefix.0.1"; }

# import_images ARCHIVE…: the node's own image, and those. It needs no more than containerd.
import_images() {
    local archive start
    start="$(now_ms)"
    make_node_image
    wait_ready containerd 20 "containerd answers" cluster_ctr version
    cluster_ctr images import "$dir/image.tar" >>"$dir/logs/images.log" 2>&1 ||
        fail "the image could not be imported" "See $dir/logs/images.log"
    for archive in "$@"; do load_image "$archive"; done
    done_step "$(($# + 1)) images are in the node" "$start"
}

start_node() {
    pod_logs >"$dir/pod-logs-before"
    start_kube_scheduler
    start_kube_proxy
    wait_ready containerd 20 "containerd answers the kubelet" cluster_ctr version
    start_kubelet
    start_dnsmasq
    start_service_names
}

await_node() {
    wait_ready dnsmasq 20 "The cluster's names are known" dns_answers
    wait_ready kube-proxy 30 "kube-proxy has its rules" proxy_works
    wait_ready kubelet 60 "The node is ready" node_is_ready
}

# What the node imported is kept by name: an archive that is there already is not read again.
load_image() {
    local archive="$1" reference
    reference="$(tar -xOf "$archive" manifest.json | jq -r '.[0].RepoTags[0]')" ||
        fail "$archive is no archive of an image"
    if cluster_ctr images ls -q "name==$reference" | grep -q .; then return; fi
    cluster_ctr images import "$archive" >>"$dir/logs/images.log" 2>&1 ||
        fail "the image $reference could not be imported" "See $dir/logs/images.log"
}

# In order while everything works, so that the kubelet itself unmounts and containerd removes networks.
delete_pods() {
    if ! program_runs kubelet || ! program_runs containerd || ! api_is_ready >/dev/null; then return; fi
    stop_program kube-controller-manager
    cluster_kubectl --request-timeout 20s delete pods --all --all-namespaces --force --grace-period 0 --timeout 20s \
        >>"$dir/logs/down.log" 2>&1 || true
    until_true 20 no_sandbox_left || warn "some pods do not end and are killed"
}

no_sandbox_left() { [[ -z "$(cluster_ctr tasks ls -q 2>/dev/null)" ]]; }

# What is left of pods, by the address that every shim of this containerd carries.
kill_shims() {
    local environ pid task
    for task in $(cluster_ctr tasks ls -q 2>/dev/null); do
        cluster_ctr tasks rm -f "$task" >>"$dir/logs/down.log" 2>&1 || true
    done
    stop_program containerd
    for environ in /proc/[0-9]*/cmdline; do
        pid="${environ#/proc/}"
        pid="${pid%/cmdline}"
        if tr '\0' ' ' 2>/dev/null <"$environ" | grep -qF -- "-address $dir/containerd.sock"; then
            kill -KILL "$pid" 2>/dev/null || true
        fi
    done
}

unmount_below_cluster() {
    local point
    # The deepest first.
    while IFS= read -r point; do
        umount "$point" 2>/dev/null || umount -l "$point" || true
    done < <(awk -v dir="$dir/" 'index($5, dir) == 1 { print $5 }' /proc/self/mountinfo | sort -r)
}

remove_rules() {
    local table chain rule
    for table in nat filter mangle; do
        while IFS= read -r rule; do
            # shellcheck disable=SC2086
            xargs iptables -w 5 -t "$table" <<<"-D ${rule#-A }" || true
        done < <(iptables-save -t "$table" | grep -E '^-A [A-Z]+ .*-j KUBE-' | grep -v '^-A KUBE-')
        for chain in $(iptables-save -t "$table" | sed -nE 's/^:(KUBE-[^ ]+) .*/\1/p'); do
            iptables -w 5 -t "$table" -F "$chain" || true
        done
        for chain in $(iptables-save -t "$table" | sed -nE 's/^:(KUBE-[^ ]+) .*/\1/p'); do
            iptables -w 5 -t "$table" -X "$chain" || true
        done
    done
}

stop_node() {
    local name
    delete_pods
    stop_program kubelet
    stop_program kube-proxy
    stop_program service-names
    stop_program dnsmasq
    kill_shims
    unmount_below_cluster
    remove_rules
    remove_pod_logs
    ip link del "$bridge" 2>/dev/null || true
    # Empty ones only: rmdir refuses those that another containerd uses.
    find /sys/fs/cgroup -maxdepth 3 -depth -type d \( -path '*/k8s.io/*' -o -name k8s.io \) -exec rmdir {} + 2>/dev/null || true
    for name in "${!sysctls_before[@]}"; do sysctl -q -w "$name=${sysctls_before[$name]}" || true; done
}
