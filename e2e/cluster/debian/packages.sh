# shellcheck shell=bash disable=SC2034,SC2154
# The Debian packages of a cluster. Sourced after scripts/dev/output.sh, packages.sh and nats_server.sh.

readonly cluster_packages=scripts/dev/packages-kubernetes.txt

missing_cluster_packages() {
    local -a wanted
    mapfile -t wanted < <(grep -Ev '^(#|$)' "$cluster_packages")
    comm -23 <(printf '%s\n' "${wanted[@]}" | sort) <(
        dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null |
            awk '$2 == "installed" { print $1 }' | sort -u
    )
}

# etcd-server and containerd bring services; a cluster runs its own, so neither may start with the machine. Who had
# one before keeps it.
install_cluster_packages_without_starting() {
    local status=0 service
    local -a fresh=()
    for service in etcd containerd; do
        if [[ " $* " == *" $service"* ]]; then fresh+=("$service.service"); fi
    done
    if [[ ! -e "$service_policy" ]]; then
        own_policy=yes
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$service_policy" >/dev/null
        as_root chmod 0755 "$service_policy"
    fi
    apt_get install -y --no-install-recommends "$@" || status=$?
    remove_own_policy
    if ((${#fresh[@]} > 0)) && [[ -d /run/systemd/system ]]; then
        as_root systemctl disable --now "${fresh[@]}" || true
    fi
    return "$status"
}

install_cluster_packages() {
    local start
    local -a missing
    start="$(now_ms)"
    require_debian
    mapfile -t missing < <(missing_cluster_packages)
    if ((${#missing[@]} == 0)); then
        done_step "Debian packages of the cluster are all there" "$start"
        return
    fi
    need_root "Installing ${#missing[@]} Debian packages" "apt-get install --no-install-recommends ${missing[*]}"
    trap remove_own_policy EXIT
    step cluster-apt-update "Refreshing the package lists" apt_get update ||
        warn "apt-get update failed; going on with the lists that are there (build/logs/cluster-apt-update.log)"
    step cluster-apt-install "Installing ${#missing[@]} Debian packages of the cluster" \
        install_cluster_packages_without_starting "${missing[@]}" ||
        fail_with_log cluster-apt-install "apt could not install: ${missing[*]}" \
            "Often a source is unreachable, or an earlier installation was interrupted: dpkg --configure -a"
    remove_own_policy
    trap - EXIT
}
