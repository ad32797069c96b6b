# shellcheck shell=bash disable=SC2154
# Sections sizes and clean-build.

measure_sizes() {
    local program
    for program in harmony harmony-fleet-agent harmony-fleet-operator harmony-fleet-simulator harmony-local-supervisor; do
        row "size of \`$program\`" "$(file_kib "$build/bin/$program")" "–" "–"
    done
}

measure_clean_build() {
    local started=$SECONDS
    CCACHE_DISABLE=1 cmake --preset dev -S "$source_dir" -B "$sandbox/clean" >/dev/null
    # Each hundredth line, so that one sees it move.
    CCACHE_DISABLE=1 cmake --build "$sandbox/clean" 2>&1 | tee "$sandbox/clean.log" | awk 'NR % 100 == 0 { print "-- " $1; fflush() }' ||
        fail "the clean build failed: $(tail -n 20 "$sandbox/clean.log")"
    row "clean \`dev\` build, tests included" "$((SECONDS - started)) s" "–" "–"
    rm -rf "$sandbox/clean"
}
