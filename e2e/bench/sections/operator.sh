# shellcheck shell=bash disable=SC2154
# Section operator: its logic and its store without a broker. What remains of the figures of section scale when the
# server's share is taken away.

measure_operator() {
    local what="in the operator alone, $largest devices"
    value() { field "$1-$largest" 2; }
    say "what the operator decides for $largest devices"
    "$tests/harmony-bench-operator" "$largest" | tee -a "$samples"
    row "$what: one label changed to its writes, p50" "$(value label-change-p50) ms" "–" "worst $(value label-change-worst) ms"
    row "$what: memory" "$(per "$(value memory)" 1) MiB" "–" "–"
    row "$what: cold start to every key written" "$(per "$(value cold-start)" 1 1) s" "its store read: $(per "$(value restore)" 1 1) s" "–"
    row "$what: heartbeats on one core" "$(per "$(value heartbeats)" 1) /s" "–" "–"
    row "$what: a rolling update's next step, p50" "$(value rollout-step-p50) ms" "–" "–"
}
