# shellcheck shell=bash disable=SC2154
# The provider debian: everything built and started here. What `up` decided is kept in $dir/settings for the other
# commands.

readonly -a control_plane_programs=(etcd kube-apiserver kube-controller-manager)
readonly -a node_programs=(kube-scheduler containerd kubelet kube-proxy dnsmasq service-names)

# The programs of this cluster in the order of their start.
cluster_programs() {
    printf '%s\n' "${control_plane_programs[@]}"
    if [[ "$with_node" == yes ]]; then printf '%s\n' "${node_programs[@]}"; fi
}

lock_cluster() {
    mkdir -p "$dir"
    exec {dir_lock}>"$dir/.lock"
    flock --timeout 120 "$dir_lock" || fail "another command works on the cluster in $dir"
}

choose_settings() {
    local -a ports
    mapfile -t ports < <(free_ports 5)
    {
        printf 'with_node=%s\n' "$with_node"
        printf 'api_port=%s etcd_port=%s etcd_peer_port=%s controller_manager_port=%s scheduler_port=%s\n' "${ports[@]}"
        if [[ "$with_node" == yes ]]; then
            choose_node_settings
        else
            # Without a node nobody asks for the API's own Service; TEST-NET-1 satisfies the flag's check.
            printf 'api_address=127.0.0.1 advertised_address=192.0.2.1 endpoint_reconciler=none\n'
            printf 'service_prefix=10.96 node_name=none\n'
        fi
        printf 'kubernetes=%q\n' "$kubernetes"
    } >"$dir/settings"
}

load_settings() {
    if [[ ! -f "$dir/settings" ]]; then return 1; fi
    # shellcheck source=/dev/null
    source "$dir/settings"
}

debian_build() {
    local start
    install_cluster_packages
    start="$(now_ms)"
    build_kubernetes
    done_step "Kubernetes is in $kubernetes" "$start"
}

debian_up() {
    local start argument importing='' wanted=yes
    local -a archives=()
    for argument in "$@"; do
        case "$argument" in
            --no-node) wanted=no ;;
            -*) fail_usage "up takes --no-node, or archives of images, not: $argument" ;;
            *) archives+=("$argument") ;;
        esac
    done
    if [[ "$wanted" == no ]] && ((${#archives[@]} > 0)); then fail_usage "without a node nothing runs an image"; fi
    lock_cluster
    if load_settings; then
        if cluster_is_whole && [[ "$with_node" == "$wanted" ]]; then
            say "The cluster in $dir is up."
            for argument in "${archives[@]}"; do load_image "$argument"; done
            return
        fi
        fail "parts of a cluster, or one of the other kind, are in $dir" \
            "Look: e2e/cluster/cluster --dir $dir status" "Remove it: e2e/cluster/cluster --dir $dir down"
    fi
    with_node="$wanted"
    if [[ "$with_node" == yes ]]; then check_node_possible; fi
    debian_build
    start="$(now_ms)"
    choose_settings
    load_settings
    printf 'debian\n' >"$dir/provider"
    make_certificates || fail "certificates could not be made" "openssl says why in $dir/logs/certificates.log"
    if [[ "$with_node" == yes ]]; then
        prepare_network
        start_containerd
    fi
    start_api
    if [[ "$with_node" == yes ]]; then
        import_images "${archives[@]}" &
        importing=$!
    fi
    await_api
    start_kube_controller_manager
    if [[ "$with_node" == yes ]]; then start_node; fi
    await_controllers
    if [[ "$with_node" == yes ]]; then
        await_node
        wait "$importing" || exit
    fi
    done_step "The cluster is up; KUBECONFIG=$dir/kubeconfig" "$start"
}

cluster_is_whole() {
    local program
    while IFS= read -r program; do
        if ! program_runs "$program"; then return 1; fi
    done < <(cluster_programs)
}

debian_down() {
    local start program
    if (($# > 0)); then fail_usage "down takes no argument"; fi
    start="$(now_ms)"
    if [[ ! -d "$dir" ]]; then
        done_step "No cluster is in $dir" "$start"
        return
    fi
    lock_cluster
    if load_settings; then
        if [[ "$with_node" == yes ]]; then stop_node; fi
        for program in kube-scheduler kube-controller-manager; do stop_program "$program"; done
        # With open watches it would take a minute to end in order, and nothing of it is kept.
        kill_program kube-apiserver
        stop_program etcd
    fi
    rm -rf "$dir"
    done_step "The cluster in $dir is gone" "$start"
}

debian_status() {
    local program pid status=0
    if (($# > 0)); then fail_usage "status takes no argument"; fi
    if ! load_settings; then
        say "No cluster is in $dir."
        return 1
    fi
    while IFS= read -r program; do
        if program_runs "$program"; then
            pid="$(program_pid "$program")"
            printf '%-24s runs, process %s, %s MB\n' "$program" "$pid" \
                "$(awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/$pid/status")"
        else
            printf '%-24s does not run: %s\n' "$program" "$dir/logs/$program.log"
            status=1
        fi
    done < <(cluster_programs)
    if api_is_ready >/dev/null; then
        printf '%-24s ready at https://%s:%s\n' API "$api_address" "$api_port"
    else
        printf '%-24s not ready\n' API
        status=1
    fi
    return "$status"
}

debian_kubeconfig() {
    if [[ ! -f "$dir/kubeconfig" ]]; then
        fail "no cluster is in $dir" "Start one: e2e/cluster/cluster --dir $dir up"
    fi
    printf '%s\n' "$dir/kubeconfig"
}

debian_kubectl() {
    load_settings || fail "no cluster is in $dir" "Start one: e2e/cluster/cluster --dir $dir up"
    cluster_kubectl "$@"
}

debian_load() {
    local archive
    load_settings || fail "no cluster is in $dir" "Start one: e2e/cluster/cluster --dir $dir up"
    if [[ "$with_node" != yes ]]; then fail "the cluster in $dir has no node that could run an image"; fi
    for archive in "$@"; do load_image "$archive"; done
}

debian_restart() {
    local name="${1:-}"
    if (($# != 1)); then fail_usage "restart takes the name of one program"; fi
    lock_cluster
    load_settings || fail "no cluster is in $dir" "Start one: e2e/cluster/cluster --dir $dir up"
    cluster_programs | grep -qxF -- "$name" ||
        fail_usage "no program '$name'; there are: $(cluster_programs | paste -s -d ' ')"
    # An API server with open watches takes a minute to end in order, and a hard end is the better test.
    if [[ "$name" == kube-apiserver ]]; then kill_program "$name"; else stop_program "$name" 30; fi
    "start_${name//-/_}"
    case "$name" in
        etcd) wait_ready etcd 20 "etcd answers" etcd_answers ;;
        kube-apiserver) wait_ready kube-apiserver 60 "The API server is ready" api_is_ready ;;
    esac
}
