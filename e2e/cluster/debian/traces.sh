# shellcheck shell=bash disable=SC2154
# What a cluster with a node could leave on the machine. Nothing is to be found once it is down.

debian_traces() {
    local found
    case "$*" in
        '') found="$(list_own_traces && list_node_traces)" ;;
        --no-node) found="$(list_own_traces)" ;;
        *) fail_usage "traces takes --no-node or nothing, not: $*" ;;
    esac
    if [[ -z "$found" ]]; then return; fi
    printf '%s\n' "$found"
    return 1
}

# By the folder, so that other clusters are not meant.
list_own_traces() {
    if [[ -e "$dir" ]]; then printf 'folder %s\n' "$dir"; fi
    cluster_processes
    awk -v dir="$dir/" 'index($5, dir) == 1 { print "mount", $5 }' /proc/self/mountinfo
}

# One cluster with a node is on a machine.
list_node_traces() {
    if ip link show "$bridge" >/dev/null 2>&1; then printf 'interface %s\n' "$bridge"; fi
    find /sys/fs/cgroup -maxdepth 4 -type d \( -name k8s.io -o -name 'kubepods*' \) -printf 'cgroup %p\n' 2>/dev/null
    find /var/log/pods /var/log/containers -mindepth 1 -maxdepth 1 -printf 'log %p\n' 2>/dev/null
    if ((EUID == 0)); then
        iptables-save 2>/dev/null | sed -nE 's/^:(KUBE-[^ ]+) .*/iptables chain \1/p'
        ipset list -n 2>/dev/null | sed -nE 's/^(KUBE-.*)/ipset \1/p'
    fi
    return 0
}

# Every program of a cluster has its folder among its arguments. This one and the commands that called it have, too.
cluster_processes() {
    local file pid command
    for file in /proc/[0-9]*/cmdline; do
        pid="${file#/proc/}"
        pid="${pid%/cmdline}"
        command="$(tr '\0' ' ' 2>/dev/null <"$file")" || continue
        if [[ "$command" != *"$dir/"* && "$command" != *"$dir "* ]]; then continue; fi
        if [[ "$command" == *' traces '* || "$command" == *test_fixture* ]]; then continue; fi
        printf 'process %s %s\n' "$pid" "${command:0:120}"
    done
}
