# shellcheck shell=bash disable=SC2154
# The programs of a cluster: started detached, known by process id and start time (so that a number used again by
# somebody else is never taken for ours), ended by it.

# start_time PID: in clock ticks since boot; nothing when there is no such process. The name may hold spaces.
start_time() {
    local stat
    { stat="$(<"/proc/$1/stat")"; } 2>/dev/null || return 0
    stat="${stat##*) }"
    cut -d ' ' -f 20 <<<"$stat"
}

# start_program NAME COMMAND…: its output goes to logs/NAME.log.
start_program() {
    local name="$1" pid
    shift
    mkdir -p "$dir/run" "$dir/logs"
    setsid "$@" >>"$dir/logs/$name.log" 2>&1 </dev/null {dir_lock}>&- &
    pid=$!
    disown "$pid"
    printf '%s %s\n' "$pid" "$(start_time "$pid")" >"$dir/run/$name.pid"
}

# program_pid NAME: nothing when it does not run.
program_pid() {
    local pid started
    if [[ ! -f "$dir/run/$1.pid" ]]; then return; fi
    read -r pid started <"$dir/run/$1.pid" || return 0
    if [[ -n "$started" && "$(start_time "$pid")" == "$started" ]]; then printf '%s\n' "$pid"; fi
}

# A zombie that nobody reaped no longer runs. But the first thread becomes one while others, which end after it, still
# hold the program's sockets.
program_runs() {
    local pid state
    local -a threads
    pid="$(program_pid "$1")"
    if [[ -z "$pid" ]]; then return 1; fi
    state="$(sed -nE 's/^State:\s+(\S).*/\1/p' "/proc/$pid/status" 2>/dev/null)"
    threads=("/proc/$pid/task/"*)
    [[ -n "$state" && ("$state" != Z || ${#threads[@]} -gt 1) ]]
}

program_is_gone() { ! program_runs "$1"; }

# until_true SECONDS COMMAND…: repeats it, ten times a second.
until_true() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        if ((SECONDS >= deadline)); then return 1; fi
        sleep 0.1
    done
}

# stop_program NAME [SECONDS]
stop_program() {
    local name="$1" seconds="${2:-10}" pid
    pid="$(program_pid "$name")"
    if [[ -n "$pid" ]]; then
        kill -TERM "$pid" 2>/dev/null || true
        if ! until_true "$seconds" program_is_gone "$name"; then
            warn "$name did not end within $seconds s and is killed"
            kill -KILL "$pid" 2>/dev/null || true
            until_true 5 program_is_gone "$name" || warn "$name (process $pid) does not end"
        fi
    fi
    rm -f "$dir/run/$name.pid"
}

# kill_program NAME
kill_program() {
    local pid
    pid="$(program_pid "$1")"
    if [[ -n "$pid" ]]; then
        kill -KILL "$pid" 2>/dev/null || true
        until_true 5 program_is_gone "$1" || warn "$1 (process $pid) does not end"
    fi
    rm -f "$dir/run/$1.pid"
}

# wait_ready NAME SECONDS WHAT COMMAND…: the program's log is shown when it ends or takes too long.
wait_ready() {
    local name="$1" seconds="$2" what="$3" start deadline
    shift 3
    start="$(now_ms)"
    deadline=$((SECONDS + seconds))
    until "$@" >/dev/null 2>&1; do
        if ! program_runs "$name"; then
            fail_with_program_log "$name" "$name ended while it started"
        fi
        if ((SECONDS >= deadline)); then
            fail_with_program_log "$name" "$what: not within $seconds s"
        fi
        sleep 0.1
    done
    done_step "$what" "$start"
}

fail_with_program_log() {
    local name="$1"
    shift
    tail -n 20 "$dir/logs/$name.log" >&2 || true
    fail "$@" "The whole log: $dir/logs/$name.log"
}

# free_ports COUNT: below the range of NodePorts, and none twice.
free_ports() {
    local port found=' ' count=0
    while ((count < $1)); do
        port=$((20000 + RANDOM % 9000))
        if [[ "$found" == *" $port "* ]]; then continue; fi
        if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then continue; fi
        found+="$port "
        count=$((count + 1))
        printf '%s\n' "$port"
    done
}
