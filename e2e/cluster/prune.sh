# shellcheck shell=bash disable=SC2154
# What end-to-end tests have left in a cluster: a run that was killed, or one that was kept. A NodePort belongs to the
# whole cluster, so they go before the next run begins.

readonly e2e_label=harmony.io/managed-by=fleet-e2e
readonly context_label=io.nationtech.harmony/context
readonly fleet_deployments=deployments.fleet.nationtech.io
readonly fleet_devices=devices.fleet.nationtech.io
readonly stack_label=fleet.nationtech.io/stack
readonly prune_seconds=90

kubectl_here() { "${provider}_kubectl" --request-timeout 20s "$@"; }

# Those that are on their way out included.
e2e_namespaces() { kubectl_here get namespaces -l "$e2e_label" -o 'jsonpath={.items[*].metadata.name}'; }

has_kind() { kubectl_here get crd "$1" >/dev/null 2>&1; }

# The operator that would take the finalizer off goes with its namespace. One that still runs would put it on again,
# but not where the deletion has begun.
release_deployments() {
    local namespace="$1" name
    kubectl_here get "$fleet_deployments" -n "$namespace" -o json |
        jq -r '.items[] | select(.metadata.deletionTimestamp) | .metadata.name' |
        while read -r name; do
            kubectl_here patch "$fleet_deployments" -n "$namespace" "$name" --type merge \
                -p '{"metadata":{"finalizers":null}}' >/dev/null || true
        done
}

# What belongs to a run and is outside its namespace, which is called like its context.
remove_outside() {
    local context="$1" namespace name
    kubectl_here delete clusterrolebindings,clusterroles -l "$context_label=$context" >/dev/null
    kubectl_here get secrets --all-namespaces -l "$context_label=$context" \
        -o 'jsonpath={range .items[*]}{.metadata.namespace} {.metadata.name}{"\n"}{end}' |
        while read -r namespace name; do
            kubectl_here delete secret -n "$namespace" "$name" --ignore-not-found >/dev/null
        done
    if has_kind "$fleet_devices"; then
        kubectl_here delete "$fleet_devices" -l "$stack_label=$context" --wait=false >/dev/null
    fi
}

prune_namespaces() {
    local start namespace left deadline=$((SECONDS + prune_seconds))
    local -a found
    start="$(now_ms)"
    left="$(e2e_namespaces)"
    read -ra found <<<"$left"
    if ((${#found[@]} == 0)); then return; fi
    for namespace in "${found[@]}"; do
        kubectl_here delete namespace "$namespace" --wait=false --ignore-not-found >/dev/null
    done
    while :; do
        left="$(e2e_namespaces)"
        if [[ -z "$left" ]]; then break; fi
        if ((SECONDS >= deadline)); then
            fail "namespaces of earlier tests are still there after $prune_seconds s: $left" \
                "See what holds them: kubectl get namespace NAME -o yaml"
        fi
        if has_kind "$fleet_deployments"; then
            for namespace in $left; do release_deployments "$namespace"; done
        fi
        sleep 0.5
    done
    # After the operators, which would write their devices again.
    for namespace in "${found[@]}"; do remove_outside "$namespace"; done
    done_step "Removed what earlier tests had left: ${found[*]}" "$start"
}
