# shellcheck shell=bash disable=SC2154
# The provider existing: a cluster that is there. Nothing is started and nothing stopped; `up` checks that it
# answers and remembers the kubeconfig.

existing_build() { say "Nothing is to be built for a cluster that is there."; }

existing_up() {
    local kubeconfig="${KUBECONFIG:-$HOME/.kube/config}"
    if [[ "$kubeconfig" == *:* ]]; then fail "KUBECONFIG names several files: $kubeconfig" "Give one."; fi
    if [[ ! -r "$kubeconfig" ]]; then
        fail "there is no kubeconfig at $kubeconfig" "Set KUBECONFIG to the one of the cluster to use."
    fi
    command -v kubectl >/dev/null || fail "kubectl is not on PATH" "Install the kubectl that fits the cluster."
    mkdir -p "$dir"
    step existing-cluster "Asking the cluster of $kubeconfig" \
        kubectl --kubeconfig "$kubeconfig" --request-timeout 10s get --raw /readyz ||
        fail_with_log existing-cluster "the cluster of $kubeconfig does not answer"
    printf 'existing\n' >"$dir/provider"
    printf '%s\n' "$kubeconfig" >"$dir/kubeconfig-path"
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

existing_status() { kubectl --kubeconfig "$(existing_kubeconfig)" --request-timeout 10s get --raw /readyz; }

existing_restart() { fail_usage "a cluster that is there is not restarted"; }
