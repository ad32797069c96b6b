# shellcheck shell=bash disable=SC2154
# Section scale: a NATS server, an operator and harmony-fleet-simulator, for fleets of growing size.

# Beyond, one more Deployment for everybody would measure the machine's disk.
readonly largest_fan_out=100000
readonly longest_wait_s=300 # for one thing; harmony-bench-scale has the same

measure_scale() {
    local size
    server='' simulator='' operator=''
    {
        echo
        # shellcheck disable=SC2016
        echo '| devices | Deployments | registered in | devices told of the Deployments | `apply`, p50 | label change, p50 | one change to all | operator | NATS server | simulator | cold start | heartbeats per core |'
        echo '|---|---|---|---|---|---|---|---|---|---|---|---|'
    } >"$sandbox/growth"
    # Also what was measured before a failure is shown.
    trap 'end_fleet; cat "$sandbox/growth" >>"$table"' EXIT
    for size in $sizes; do measure_fleet "$size"; done
}

end_fleet() {
    # shellcheck disable=SC2086
    end_all $simulator $operator $server
    server='' simulator='' operator=''
    if [ -n "${fleet:-}" ]; then rm -rf "$fleet/jetstream" "$fleet/operator"; fi
}

# tell WHAT: with the seconds since this fleet was begun.
tell() { say "$count devices, $((SECONDS - fleet_started)) s: $1"; }

# Where one change concerns all devices, they wait before they read, so that it has been written before they react; but
# not for the five seconds after which a heartbeat with the old digest makes the operator write again. Their full reads
# of each five minutes, which concern the server alone, would begin at another moment in each fleet: there are none.
start_simulator() {
    "$build/bin/harmony-fleet-simulator" --nats "$url" --devices "$count" --label "group=g{0..$((groups - 1))}" \
        --react "$react" --run 1s --heartbeat-interval "${heartbeat_s}s" --resync-interval 12h \
        --join-rate 20000 --report "$fleet/report.json" 2>"$fleet/simulator.log" &
    simulator=$!
}

measuring() { "$tests/harmony-bench-scale" "$url" - "$@" >>"$samples"; }

# The simulator's last line says that nobody reads or reports any more.
wait_until_quiet() {
    local deadline=$((SECONDS + longest_wait_s)) next=$((SECONDS + 10)) line
    while :; do
        line=$(tail -n 1 "$fleet/simulator.log")
        if [[ "$line" == *' gets 0/s states 0/s '* ]]; then return; fi
        [ "$SECONDS" -lt "$deadline" ] || fail "the fleet was not quiet within $longest_wait_s s: $line"
        if [ "$SECONDS" -ge "$next" ]; then
            tell "the simulator: $line"
            next=$((SECONDS + 10))
        fi
        sleep 0.5
    done
}

measure_fleet() { # DEVICES
    local count=$1 groups=$(($1 / 100)) fleet_started=$SECONDS url heartbeat_s=10 counting_s=10 react=2500ms..3500ms behind=1000000
    local started before
    local registered_ms cold_ms heartbeat_ms operator_mib operator_cold_mib server_mib simulator_mib
    fleet=$sandbox/fleet-$count
    url=nats://127.0.0.1:$(free_port)
    if ((count > largest_fan_out)); then heartbeat_s=30 counting_s=30 react=0s..1s behind=20000; fi
    mkdir -m 0700 "$fleet"
    write_plain_server "$fleet" "$url" 4GiB 20GiB
    write_plain_operator "$fleet" "$url" bench
    start_plain_server "$fleet" "$url"
    start_plain_operator "$fleet"
    measuring wait-ready
    started=$(now_ms)
    start_simulator
    tell "they register"
    measuring wait-devices "$count"
    registered_ms=$(($(now_ms) - started))
    tell "$groups Deployments are applied"
    measuring deploy-groups "$groups" "$count" "$behind"
    wait_until_quiet
    tell "label changes, hops, heartbeats"
    measuring label-change 100 "$groups"
    measuring raw-hop 200
    before=$(cpu_ms "$operator")
    measuring heartbeats "$counting_s"
    heartbeat_ms=$(used_since "$operator" "$before")
    operator_mib=$(pss_mib "$operator") server_mib=$(pss_mib "$server") simulator_mib=$(pss_mib "$simulator")
    tell "the operator is killed and starts again"
    measuring repaired plant
    kill_hard "$operator"
    started=$(now_ms)
    start_plain_operator "$fleet"
    measuring repaired
    cold_ms=$(($(now_ms) - started))
    operator_cold_mib=$(pss_mib "$operator")
    if ((count <= largest_fan_out)); then measure_fan_out; fi
    end_fleet
    growth_row
    if ((count == largest_fan_out)); then fan_out_row; fi
    if ((count == largest)); then largest_rows; fi
}

measure_fan_out() {
    wait_until_quiet
    tell "one Deployment for all"
    if ((count == largest_fan_out)); then measuring fan-out "$count" 5 raw; else measuring fan-out "$count" 2; fi
}

heartbeats_per_core() { per "$(awk -v n="$(field heartbeats 2)" 'BEGIN { print n * 1000 }')" "$heartbeat_ms"; }

fan_out_row() {
    row "one Deployment's change to $count devices" "$(p50 fan-out) ms" "nats.c publishing the same bytes $(p50 fan-out-raw) ms" \
        "$(per "$(p50 fan-out-raw)" "$(p50 fan-out)" 2) × its speed"
}

# Through the server go the changed label and the new desired state.
two_hops() { awk -v hop="$(field raw-hop "$1")" 'BEGIN { printf "%.3f", 2 * hop }'; }

largest_rows() {
    local what="$count devices, $groups Deployments" counting
    row "$what: one device's label to its new desired state, p50" "$(p50 label-change) ms" "two hops through the server $(two_hops 2) ms" "$(over "$(p50 label-change)" "$(two_hops 2)")"
    row "$what: the same, p99" "$(p99 label-change) ms" "two hops through the server $(two_hops 3) ms" "$(over "$(p99 label-change)" "$(two_hops 3)")"
    row "$what: the operator's memory" "$operator_mib MiB" "the NATS server: $server_mib MiB" "after a cold start $operator_cold_mib MiB"
    row "$what: the simulator's memory" "$simulator_mib MiB" "–" "$(per "$((simulator_mib * 1048576))" "$count") bytes for a device"
    row "$what: operator killed to converged again" "$cold_ms ms" "–" "–"
    counting=$(per "$(field heartbeats 2)" "$(field heartbeats 3)")
    row "$what: heartbeats for one core of the operator" "$(heartbeats_per_core) /s" "a subscription that counts them: $counting /s" "$(per "$(heartbeats_per_core)" "$counting" 2) ×"
}

growth_row() {
    local fan_out=–
    if ((count <= largest_fan_out)); then fan_out="$(per "$((count * 1000))" "$(p50 fan-out)") /s"; fi
    printf '| %s | %s | %s s | %s /s | %s ms | %s ms | %s | %s MiB | %s MiB | %s MiB | %s s | %s /s |\n' "$count" "$groups" \
        "$(per "$registered_ms" 1000 1)" "$(per "$((count * 1000))" "$(field groups-written 2)")" \
        "$(p50 group-apply)" "$(p50 label-change)" "$fan_out" "$operator_mib" "$server_mib" "$simulator_mib" \
        "$(per "$cold_ms" 1000 1)" "$(heartbeats_per_core)" >>"$sandbox/growth"
}
