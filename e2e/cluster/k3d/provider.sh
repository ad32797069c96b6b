# shellcheck shell=bash disable=SC2154
# The provider k3d: where a Docker engine and k3d are there already.

readonly k3d_cluster=harmony-e2e

k3d_need() {
    command -v k3d >/dev/null || fail "k3d is not on PATH" "Install it, or use the provider debian."
    command -v docker >/dev/null || fail "docker is not on PATH" "k3d needs it; the provider debian does not."
    docker info >/dev/null 2>&1 || fail "no Docker engine answers" "Start it, or use the provider debian."
}

k3d_build() { k3d_need; }

k3d_up() {
    if [[ "${1:-}" == -* ]]; then fail_usage "up of the provider k3d takes archives of images, not: $1"; fi
    k3d_need
    mkdir -p "$dir"
    printf 'k3d\n' >"$dir/provider"
    if ! k3d cluster list "$k3d_cluster" >/dev/null 2>&1; then
        step k3d-up "Creating the cluster $k3d_cluster" k3d cluster create "$k3d_cluster" --wait --timeout 180s \
            --no-lb --kubeconfig-update-default=false --kubeconfig-switch-context=false ||
            fail_with_log k3d-up "k3d could not create the cluster $k3d_cluster"
    fi
    k3d kubeconfig get "$k3d_cluster" >"$dir/kubeconfig"
    if (($# > 0)); then k3d_load "$@"; fi
}

k3d_kubeconfig() {
    if [[ ! -f "$dir/kubeconfig" ]]; then
        fail "no cluster is in $dir" "Start one: e2e/cluster/cluster --provider k3d up"
    fi
    printf '%s\n' "$dir/kubeconfig"
}

k3d_down() {
    k3d_need
    k3d cluster delete "$k3d_cluster"
    rm -rf "$dir"
}

k3d_status() { k3d_need && k3d cluster list "$k3d_cluster"; }

k3d_kubectl() { kubectl --kubeconfig "$(k3d_kubeconfig)" "$@"; }

k3d_load() { k3d image import --cluster "$k3d_cluster" "$@"; }

k3d_restart() { fail_usage "parts of a k3d cluster are not restarted one by one"; }
