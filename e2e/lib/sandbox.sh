# shellcheck shell=bash disable=SC2034
# Sourced by every end-to-end test. Gives it a home of its own (so that it never meets the user's contexts,
# plugins or secrets), the built `harmony` first on PATH, and an end that leaves nothing running.
#
#   HARMONY_BUILD   the build tree under test, set by ctest
#   FLEET_E2E_KEEP  1 keeps the sandbox and what runs in it, and says where
set -euo pipefail

: "${HARMONY_BUILD:?set it to a build tree, for example build/dev}"
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
readonly source_dir
sandbox=$(mktemp -d "${TMPDIR:-/tmp}/harmony-e2e.XXXXXX")
readonly sandbox
run_id=$(basename "$sandbox" | tr -dc 'a-zA-Z0-9' | tr "[:upper:]" "[:lower:]" | tail -c 7)
readonly run_id

export HOME=$sandbox/home
export XDG_CONFIG_HOME=$HOME/.config XDG_STATE_HOME=$HOME/.local/state
export XDG_DATA_HOME=$HOME/.local/share XDG_CACHE_HOME=$HOME/.cache
export XDG_RUNTIME_DIR=$sandbox/run
export PATH=$HARMONY_BUILD/bin:$PATH
export NO_COLOR=1
unset HARMONY_CONTEXT HARMONY_PLUGIN_PATH CONTAINERS_CONF
mkdir "$HOME"
mkdir -m 0700 "$XDG_RUNTIME_DIR"
cd "$HOME"

say() { printf -- '-- %s\n' "$*"; }

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}

# Ends with ctest's "skipped" and says which capability of the machine is missing.
skip() {
    printf 'SKIPPED: %s\n' "$*"
    exit 77
}

# expect_exit CODE COMMAND...: the command's stdout and stderr are left in $out and $err.
expect_exit() {
    local expected=$1 actual=0
    shift
    "$@" >"$sandbox/out" 2>"$sandbox/err" </dev/null || actual=$?
    out=$(<"$sandbox/out") err=$(<"$sandbox/err")
    if [ "$actual" != "$expected" ]; then
        printf '%s\n%s\n' "$out" "$err" >&2
        fail "\`$*\` ended with $actual, expected $expected"
    fi
}

# expect_text TEXT IN WHAT: TEXT is a fixed string.
expect_text() { grep -qF -- "$1" <<<"$2" || fail "$3 does not say \"$1\": $2"; }

expect_equal() { [ "$1" = "$2" ] || fail "$3: found \"$1\", expected \"$2\""; }

# wait_until SECONDS WHAT COMMAND...: polls; the last output is shown when time runs out.
wait_until() {
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >"$sandbox/poll" 2>&1; do
        if [ "$SECONDS" -ge "$deadline" ]; then
            cat "$sandbox/poll" >&2
            fail "$what did not happen in time"
        fi
        sleep 0.1
    done
}

# Processes that belong to this sandbox: every one carries its HOME in the environment. This shell, its
# children that are part of the test, and podman's own monitors are told apart by the caller.
sandbox_processes() {
    local environ pid
    for environ in /proc/[0-9]*/environ; do
        pid=${environ#/proc/}
        pid=${pid%/environ}
        [ "$pid" = "$$" ] && continue
        if tr '\0' '\n' 2>/dev/null <"$environ" | grep -qxF "HOME=$HOME"; then
            [ "$(ps -o ppid= -p "$pid" 2>/dev/null | tr -d ' ')" = "$$" ] && continue
            printf '%s %s\n' "$pid" "$(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline")"
        fi
    done
    return 0
}

# A supervisor without daemons ends by itself after two seconds.
expect_nothing_left() { wait_until 10 "the end of every process of this sandbox" nothing_left; }

nothing_left() {
    local processes
    processes=$(sandbox_processes)
    printf '%s\n' "$processes"
    [ -z "$processes" ]
}

device_containers() { podman ps -a --no-trunc --filter "label=io.nationtech.harmony/device=$1" "${@:2}"; }

# remove_sandbox [STATUS]: for a test that has an end of its own to do first.
remove_sandbox() {
    local status=${1:-$?} pid device
    trap - EXIT
    if [ "${FLEET_E2E_KEEP:-0}" = 1 ]; then
        printf 'Kept: %s (set HOME to %s to look further)\n' "$sandbox" "$HOME"
        exit "$status"
    fi
    if [ "$status" -ne 0 ] && [ "$status" -ne 77 ]; then
        find "$XDG_STATE_HOME" -name log -type f -size +0 -exec sh -c 'echo "== $1"; tail -n 15 "$1"' _ {} \; >&2 2>/dev/null || true
    fi
    sandbox_processes | while read -r pid _; do kill -9 "$pid" 2>/dev/null || true; done
    for device in ${devices:-}; do
        device_containers "$device" -q | xargs -r podman rm -f -t 0 >/dev/null 2>&1 || true
    done
    chmod -R u+w "$sandbox" 2>/dev/null || true
    rm -rf "$sandbox"
    exit "$status"
}
trap remove_sandbox EXIT

require_podman() {
    command -v podman >/dev/null || skip "podman is not installed"
    "$source_dir/e2e/local/build_sample_image" >"$sandbox/image.log" 2>&1 || {
        cat "$sandbox/image.log" >&2
        fail "the sample image could not be built"
    }
}

free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 10000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    printf '%s\n' "$port"
}
