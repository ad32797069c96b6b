# shellcheck shell=bash disable=SC2034,SC2154
# Sourced after sandbox.sh by tests on a cluster. CLUSTER_DIR is its folder, set by ctest; the images of the build tree
# are in it. Gives a context `cluster`, kubectl, and an end at which the cluster holds nothing of this test.

if [ "${HARMONY_FLEET_E2E:-}" != 1 ]; then
    skip "tests on pods build Kubernetes once; set HARMONY_FLEET_E2E=1 to run them"
fi
: "${CLUSTER_DIR:?set it to the folder of a cluster, as e2e/cluster/cluster --dir takes it}"
readonly images_file=${FLEET_E2E_IMAGES:-$HARMONY_BUILD/images/images.json}
export FLEET_E2E_IMAGES=$images_file
export NO_COLOR=1

# With another HOME than the sandbox's: its end ends all processes that have that one, and what is started here is the
# cluster's and outlives the test.
cluster() { HOME=$CLUSTER_DIR "$source_dir/e2e/cluster/cluster" --dir "$CLUSTER_DIR" "$@"; }
kubectl() { cluster kubectl --request-timeout 20s "$@"; }

image_of() { jq -r --arg name "$1" '.[$name]' "$images_file"; }

use_cluster() {
    if [ "$EUID" != 0 ] && [ ! -f "$CLUSTER_DIR/provider" ]; then skip "a node needs root"; fi
    KUBECONFIG=$(cluster kubeconfig) || fail "no cluster is in $CLUSTER_DIR"
    export KUBECONFIG
    # For the provider `existing`, which takes the one on PATH.
    if ! type -P kubectl >/dev/null && [ -f "$CLUSTER_DIR/settings" ]; then
        PATH=$PATH:$(sed -nE 's/^kubernetes=//p' "$CLUSTER_DIR/settings")/bin
    fi
    [ -f "$images_file" ] || fail "no images are in $images_file; make them: e2e/images/build --build $HARMONY_BUILD"
    cluster prune
}

# The namespace of this test, found by whoever prunes the cluster.
make_namespace() {
    name_space=e2e-$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')
    kubectl create namespace "$name_space" >/dev/null
    kubectl label namespace "$name_space" harmony.io/managed-by=fleet-e2e >/dev/null
}

# A context of that name, in which harmony works from now on.
use_context() {
    expect_exit 0 harmony context create "$name_space" --topology K8sBareTopology --set "namespace=$name_space"
    expect_exit 0 harmony context use "$name_space"
}

# The fleet's definitions that the cluster has, as kubectl takes them: "deployments.fleet.nationtech.io,…".
fleet_kinds() {
    local definitions
    definitions=$(kubectl get crd -o name) || return
    sed -nE 's/^.*\/(.*\.fleet\.nationtech\.io)$/\1/p' <<<"$definitions" | paste -s -d ,
}

# What the cluster holds of end-to-end runs; nothing at the end of one. Fails where the cluster does not say.
cluster_traces() {
    local kinds
    kubectl get namespaces -l harmony.io/managed-by=fleet-e2e -o name &&
        kubectl get clusterroles,clusterrolebindings -l app.kubernetes.io/managed-by=harmony -o name &&
        kubectl get all,secrets,configmaps --all-namespaces -l app.kubernetes.io/managed-by=harmony -o name &&
        kinds=$(fleet_kinds) || return
    if [ -n "$kinds" ]; then kubectl get "$kinds" --all-namespaces -o name; fi
}

# is_empty COMMAND...: it succeeds and prints nothing.
is_empty() {
    local found
    found=$("$@") || return
    printf '%s\n' "$found"
    [ -z "$found" ]
}

nothing_in_cluster() { is_empty cluster_traces; }

# Of everything in a namespace, for a look at why a test failed. Secrets are not among it.
describe_namespace() {
    local pod kinds
    {
        printf '== %s\n' "$1"
        kinds=$(fleet_kinds) || true
        kubectl get "all${kinds:+,$kinds}" -n "$1" -o wide || true
        kubectl get events -n "$1" --sort-by .lastTimestamp | tail -n 30 || true
        for pod in $(kubectl get pods -n "$1" -o name); do
            printf '== %s\n' "$pod"
            kubectl logs -n "$1" "$pod" --all-containers --tail 40 || true
            kubectl logs -n "$1" "$pod" --all-containers --tail 20 --previous 2>/dev/null || true
        done
    } >&2
}

# A test in a namespace of its own, which goes at the end whatever happened. `also_at_end` is a test's own part of that.
begin_on_pods() {
    use_cluster
    trap finish_on_pods EXIT
    make_namespace
}

also_at_end() { :; }

finish_on_pods() {
    local status=$?
    trap - EXIT
    if [ "$status" -ne 0 ] && [ "$status" -ne 77 ] && [ -n "${name_space:-}" ]; then describe_namespace "$name_space"; fi
    if [ "${FLEET_E2E_KEEP:-0}" != 1 ]; then
        also_at_end || true
        cluster prune || status=1
        if [ "$status" -eq 0 ]; then (wait_until 30 "the end of all in the cluster" nothing_in_cluster) || status=1; fi
    fi
    remove_sandbox "$status"
}
