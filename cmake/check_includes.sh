#!/bin/sh
# Checks the include lines of the tree against the dependency direction (docs/architecture.md):
#   check_includes.sh ROOT          prints each forbidden include, exits 1 when there is one
#   check_includes.sh --self-test   plants forbidden and allowed includes and expects them to be told apart
set -eu

# What a folder's files may not include, as an extended regular expression over the path between the quotes or
# angle brackets. A component's public headers are harmony/<area>/..., so the area says whose header it is.
kRuntime='harmony/(nats|podman|http|daemon|kubernetes|identity|nats_testing|podman_testing)/'
kDaemons='(runtime/)?(operator|agent|callout|simulator)/'
kPlugin='harmony/(plugin\.h|plugin/|capability/)'
kHost='(harmony/host/|host/)'

list_includes() {  # FOLDER: "file:line:path" of every include in it
    [ -d "$1" ] || return 0
    grep -rnE --include='*.hpp' --include='*.h' --include='*.cpp' --include='*.c' \
        '^[[:space:]]*#[[:space:]]*include[[:space:]]*["<]' "$1" |
        sed -E 's/^([^:]*:[0-9]+):[[:space:]]*#[[:space:]]*include[[:space:]]*["<]([^">]*)[">].*/\1:\2/' || true
}

forbid() {  # FOLDER REGEX REASON
    list_includes "$1" | grep -E ":[0-9]+:([^:]*/)?($2)" | sed "s|\$|: $3|" || true
}

check_tree() {  # prints what is wrong in the current directory
    forbid contracts "$kRuntime|$kPlugin|$kHost|$kDaemons|plugins/" 'contracts knows no other component'
    forbid plugin-api "$kRuntime|$kHost|harmony/(contracts|operator|agent)/|plugins/|runtime/" \
        'plugin-api is installed alone'
    forbid host "$kRuntime|harmony/(operator|agent)/|runtime/|plugins/" 'host knows no runtime and no plugin'
    forbid runtime "$kPlugin|harmony/host/|plugins/|plugin-api/" 'runtime knows no host and no plugin'
    forbid runtime/operator 'harmony/agent/|agent/' 'operator and agent do not include each other'
    forbid runtime/agent 'harmony/operator/|operator/' 'operator and agent do not include each other'
    forbid plugins 'harmony/host/|harmony/(operator|agent)/|runtime/' 'a plugin knows no host and no daemon'
    for plugin in plugins/*/; do
        [ -d "$plugin" ] || continue
        own=$(basename "$plugin")
        for other in plugins/*/; do
            name=$(basename "$other")
            [ "$name" = "$own" ] || forbid "${plugin%/}" "plugins/$name/|\\.\\./$name/" 'a plugin includes no other plugin'
        done
    done
}

self_test() {
    root=$(mktemp -d)
    trap 'rm -rf "$root"' EXIT
    cd "$root"
    plant() { mkdir -p "$(dirname "$1")"; printf '#include %s\n' "$2" >"$1"; }
    plant contracts/src/a.cpp '"harmony/contracts/names.hpp"'
    plant host/src/b.cpp '"harmony/plugin.h"'
    plant runtime/operator/src/c.cpp '"harmony/nats/connection.hpp"'
    plant plugins/nats/d.cpp '"harmony/contracts/kv.hpp"'
    plant plugins/local/e.cpp '<string>'
    [ -z "$(check_tree)" ] || { echo 'an allowed include was reported:'; check_tree; exit 1; }
    expect() {
        plant "$1" "$2"
        check_tree | grep -q "^$1:1:" || { echo "not found: $1 includes $2"; exit 1; }
        rm "$1"
    }
    expect contracts/src/bad.cpp '"harmony/nats/connection.hpp"'
    expect plugin-api/src/bad.cpp '"harmony/host/plan.hpp"'
    expect plugin-api/include/harmony/bad.hpp '<harmony/contracts/kv.hpp>'
    expect host/src/bad.cpp '"harmony/podman/runtime.hpp"'
    expect runtime/nats/src/bad.cpp '"harmony/host/plan.hpp"'
    expect runtime/agent/src/bad.cpp '"harmony/plugin/score.hpp"'
    expect runtime/agent/src/bad.cpp '"harmony/operator/store.hpp"'
    expect runtime/operator/src/bad.cpp '  "../../agent/src/reconcile.hpp"'
    expect plugins/nats/bad.cpp '"harmony/host/plan.hpp"'
    expect plugins/nats/bad.cpp '"../local/supervisor.hpp"'
    echo 'every planted include was told apart'
}

case "${1:-}" in
    --self-test) self_test ;;
    '') echo "usage: $0 ROOT | --self-test" >&2; exit 2 ;;
    *)
        cd "$1"
        found=$(check_tree)
        [ -z "$found" ] && exit 0
        printf '%s\n' "$found"
        exit 1
        ;;
esac
