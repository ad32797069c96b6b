# shellcheck shell=bash disable=SC2154
# Section pods: the fleet's Scores on a real node, from a cluster that is down, from one that is up, and with nothing
# to do beside kubectl.

readonly repetitions=5

measure_pods() {
    local started cold_ms warm_ms
    local -a archives
    if [ "$EUID" != 0 ]; then skip "a node needs root"; fi
    export CLUSTER_DIR=$sandbox/node FLEET_E2E_IMAGES=$build/images/images.json
    # shellcheck source=/dev/null
    source "$source_dir/e2e/lib/kubernetes.sh"
    # shellcheck source=/dev/null
    source "$source_dir/e2e/lib/kubernetes_fleet.sh"
    trap end_pods EXIT
    say "images, and the programs of Kubernetes"
    "$source_dir/e2e/images/build" --build "$build" >"$sandbox/images" || fail "images: $(<"$sandbox/images")"
    mapfile -t archives < <(cut -d ' ' -f 2 "$sandbox/images")
    users_cluster build >"$sandbox/pods.log" 2>&1 || fail "Kubernetes: $(tail -n 5 "$sandbox/pods.log")"
    say "from a cluster that is down to devices that answer"
    started=$(now_ms)
    users_cluster up "${archives[@]}" >"$sandbox/pods.log" 2>&1 || fail "the cluster: $(tail -n 5 "$sandbox/pods.log")"
    use_cluster
    fleet_to_ping
    cold_ms=$(($(now_ms) - started))
    expect_exit 0 harmony destroy --all --yes --delete-data
    cluster prune
    say "the same with the cluster up"
    started=$(now_ms)
    fleet_to_ping
    warm_ms=$(($(now_ms) - started))
    row "cluster down to verified fleet and ping, images made" "$cold_ms ms" "–" "–"
    row "cluster up, the same" "$warm_ms ms" "–" "–"
    say "nothing to do, and kubectl with the same objects"
    measure_nothing_to_do
}

# The programs of Kubernetes are in the user's own cache.
users_cluster() { HOME=$users_home XDG_CACHE_HOME=$users_cache "$source_dir/e2e/cluster/cluster" --dir "$CLUSTER_DIR" "$@"; }

end_pods() {
    if [ -d "$CLUSTER_DIR" ]; then users_cluster down >/dev/null 2>&1 || true; fi
}

fleet_to_ping() {
    make_namespace
    use_context
    write_cluster_composition
    expect_exit 0 harmony apply --all --yes
    wait_until 60 "both devices online" cluster_devices_online 2
    expect_exit 0 harmony fleet ping "$barn" "$dock"
}

# Of everything that the Scores made: what a user would keep in a file.
write_objects() {
    local kinds=customresourcedefinitions,clusterroles,clusterrolebindings,serviceaccounts,roles,rolebindings
    kinds+=,networkpolicies,secrets,configmaps,services,statefulsets.apps,deployments.apps
    kubectl get "$kinds" -n "$name_space" -l app.kubernetes.io/managed-by=harmony -o json |
        jq 'del(.items[].status) | .items[].metadata |= {name, namespace, labels, annotations}' |
        install -m 0600 /dev/stdin objects.json
}

plain_kubectl() { command kubectl "$@"; }

sample() { # sample NAME COMMAND...
    local name=$1 started
    shift
    started=$(now_ms)
    expect_exit 0 "$@"
    printf '%s\n' "$(($(now_ms) - started))" >>"$sandbox/pods-$name"
}
# The word about the plan ends what kubectl does as well; each Score's smoke test follows.
sample_apply() {
    local started line decided=''
    started=$(now_ms)
    while IFS= read -r line; do
        if [ "$line" = "Nothing to change." ]; then decided=$(now_ms); fi
    done < <(harmony apply --all --yes 2>&1)
    wait $! || fail "apply with nothing to do failed"
    [ -n "$decided" ] || fail "apply found something to do"
    printf '%s\n' "$((decided - started))" >>"$sandbox/pods-decided"
    printf '%s\n' "$(($(now_ms) - started))" >>"$sandbox/pods-apply"
}
median() { sort -n "$sandbox/pods-$1" | sed -n "$(((repetitions + 1) / 2))p"; }

measure_nothing_to_do() {
    local objects
    write_objects
    objects=$(jq '.items | length' objects.json)
    # From now on kubectl knows what it applied last.
    expect_exit 0 plain_kubectl apply -f objects.json
    expect_exit 0 harmony apply --all --yes
    for ((i = 0; i < repetitions; i++)); do
        sample kubectl plain_kubectl apply -f objects.json
        sample_apply
        sample diff plain_kubectl diff -f objects.json
        sample plan harmony plan --all
    done
    row "plan with nothing to do, $objects objects, median" "$(median plan) ms" "kubectl diff of them $(median diff) ms" "$(ratio "$(median plan)" "$(median diff)")"
    row "apply with nothing to do, up to the smoke tests, median" "$(median decided) ms" "kubectl apply of them $(median kubectl) ms" "$(ratio "$(median decided)" "$(median kubectl)")"
    row "apply with nothing to do, each Score verified, median" "$(median apply) ms" "kubectl apply of them $(median kubectl) ms" "$(ratio "$(median apply)" "$(median kubectl)")"
}
