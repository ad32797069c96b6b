# shellcheck shell=bash
# How ./dev talks: one line per step with its duration, the output of the step in build/logs/.

if [[ -t 1 && -z "${NO_COLOR:-}" && "${TERM:-dumb}" != dumb ]]; then
    bold=$'\e[1m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
else
    bold='' green='' red='' plain=''
fi

# One line per argument.
say() { printf '%s\n' "$@"; }
heading() { printf '%s\n' "${bold}==>${plain} $*"; }
warn() { printf '%s\n' "note: $*" >&2; }

fail() {
    printf '%s\n' "${red}error:${plain} $1" >&2
    shift
    if (($# > 0)); then printf '  %s\n' "$@" >&2; fi
    exit 1
}

fail_usage() {
    printf '%s\n' "${red}error:${plain} $*" >&2
    exit 2
}

now_ms() {
    local stamp="${EPOCHREALTIME//[.,]/}"
    printf '%s' "$((stamp / 1000))"
}

# since START_MS: the time that passed, for people.
since() {
    local ms=$(($(now_ms) - $1))
    if ((ms < 60000)); then
        printf '%d.%d s' $((ms / 1000)) $((ms % 1000 / 100))
    else
        printf '%d min %d s' $((ms / 60000)) $((ms % 60000 / 1000))
    fi
}

# run_logged NAME COMMAND…: output goes to the log of that name; on a terminal the last line is shown meanwhile.
run_logged() {
    local log="build/logs/$1.log" status=0 follower=''
    shift
    mkdir -p build/logs
    : >"$log"
    if [[ -t 1 ]]; then
        follow_log "$log" &
        follower=$!
    fi
    "$@" >"$log" 2>&1 </dev/null || status=$?
    if [[ -n "$follower" ]]; then
        kill "$follower" 2>/dev/null || true
        wait "$follower" 2>/dev/null || true
        printf '\e[u\e[J'
    fi
    return "$status"
}

follow_log() {
    local line
    printf '\e[s'
    while sleep 0.3; do
        line="$(tail -n 1 "$1" | tr -d '\r\t\e')"
        printf '\e[u\e[J %s' "${line:0:$((${COLUMNS:-80} / 2))}"
    done
}

# step NAME TEXT COMMAND…: one line; returns the status of the command and leaves its log.
step() {
    local name="$1" text="$2" start status=0
    shift 2
    start="$(now_ms)"
    printf '%s' "${bold}==>${plain} $text …"
    run_logged "$name" "$@" || status=$?
    if ((status == 0)); then
        printf ' %s\n' "${green}$(since "$start")${plain}"
    else
        printf ' %s\n' "${red}failed${plain} after $(since "$start")"
    fi
    return "$status"
}

# done_step TEXT START_MS: the line of a step that needed no command of its own.
done_step() { printf '%s\n' "${bold}==>${plain} $1 … ${green}$(since "$2")${plain}"; }

# fail_with_log NAME TEXT [HINT…]: the end of the log of a step, then the error.
fail_with_log() {
    local name="$1"
    shift
    tail -n 40 "build/logs/$name.log" >&2 || true
    fail "$@" "The whole log: build/logs/$name.log"
}
