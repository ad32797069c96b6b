# shellcheck shell=bash disable=SC2154
# The provider existing: a cluster that is there. Nothing is started and nothing stopped; `up` checks that it
# answers and remembers the kubeconfig.

existing_build() { say "Nothing is to be built for a cluster that is there."; }

existing_up() {
    local kubeconfig="${KUBECONFIG:-$HOME/.kube/config}"
    if [[ "${1:-}" == -* ]]; then fail_usage "up of the provider existing takes no option: $1"; fi
    if (($# > 0)); then existing_load; fi
    if [[ "$kubeconfig" == *:* ]]; then fail "KUBECONFIG names several files: $kubeconfig" "Give one."; fi
    kubeconfig="$(cd -- "$invoked_from" && realpath -ms -- "$kubeconfig")"
    if [[ ! -r "$kubeconfig" ]]; then
        fail "there is no kubeconfig at $kubeconfig" "Set KUBECONFIG to the one of the cluster to use."
    fi
    kubectl_program >/dev/null
    mkdir -p "$dir"
    printf '%s\n' "$kubeconfig" >"$dir/kubeconfig-path"
    step existing-cluster "Asking the cluster of $kubeconfig" existing_status || {
        rm -f "$dir/kubeconfig-path"
        fail_with_log existing-cluster "the cluster of $kubeconfig does not answer"
    }
    printf 'existing\n' >"$dir/provider"
}

# The machine's own, which fits the cluster, or the one that was built here.
kubectl_program() {
    command -v kubectl && return
    local built
    built="$(built_kubernetes)"
    if [[ -z "$built" ]]; then fail "kubectl is not on PATH" "Install the kubectl that fits the cluster."; fi
    printf '%s\n' "$built/bin/kubectl"
}

existing_kubectl() {
    local kubeconfig program
    kubeconfig="$(existing_kubeconfig)"
    program="$(kubectl_program)"
    "$program" --kubeconfig "$kubeconfig" "$@"
}

existing_load() {
    fail "images cannot be loaded into a cluster that is there" \
        "Push them to a registry that its nodes pull from: e2e/images/push --to HOST:PORT/PREFIX"
}

existing_kubeconfig() {
    if [[ ! -f "$dir/kubeconfig-path" ]]; then
        fail "no cluster is chosen in $dir" "Choose it: KUBECONFIG=… e2e/cluster/cluster --provider existing up"
    fi
    cat "$dir/kubeconfig-path"
}

existing_down() {
    rm -f "$dir/provider" "$dir/kubeconfig-path"
    rmdir "$dir" 2>/dev/null || true
    say "The cluster itself is left as it is."
}

existing_status() { existing_kubectl --request-timeout 10s get --raw /readyz; }

existing_restart() { fail_usage "a cluster that is there is not restarted"; }
