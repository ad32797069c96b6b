# shellcheck shell=bash
# Configuring and compiling a preset, measuring it, and removing it.

readonly presets='dev release asan tsan'

check_preset() {
    if [[ " $presets " != *" $1 "* ]]; then
        fail_usage "unknown preset '$1'; there are: $presets"
    fi
}

# Only what ninja cannot notice by itself: no build files yet, or another set of presets.
needs_configuring() {
    local tree="build/$1"
    [[ ! -f "$tree/build.ninja" || CMakePresets.json -nt "$tree/build.ninja" ]]
}

# compile PRESET [TARGET…]
compile() {
    local preset="$1"
    shift
    if needs_configuring "$preset"; then
        step "configure-$preset" "Configuring the $preset build" cmake --preset "$preset" ||
            fail_with_log "configure-$preset" "cmake could not configure the $preset build"
    fi
    # The lock keeps a second ./dev out of the same tree; its descriptor is closed for what ninja starts.
    step "build-$preset" "Compiling the $preset build" \
        flock --close "build/$preset/.dev-lock" ninja -C "build/$preset" -j "$(nproc)" "$@" || {
        failing_lines "build/logs/build-$preset.log" >&2
        fail "the $preset build failed" "The whole log: build/logs/build-$preset.log"
    }
}

# What failed and what the compiler said of it, without progress lines and command lines.
failing_lines() {
    awk '
        /^FAILED: / { print; getline; failed = 1; next }
        /^\[[0-9]+\/[0-9]+\]/ { failed = 0; next }
        failed || /^(ninja: error|CMake Error|.*error:)/ { print }
    ' "$1" | head -n 60
}

dev_build() {
    local preset="${1:-dev}"
    if (($# > 0)); then shift; fi
    check_preset "$preset"
    install_packages
    compile "$preset" "$@"
    say "Programs are in build/$preset/bin."
}

dev_bench() {
    local argument
    for argument; do
        if [[ "$argument" == -h || "$argument" == --help ]]; then
            e2e/bench/run --help
            return
        fi
    done
    install_packages
    compile release
    say "Measuring; nothing else should keep this machine busy meanwhile."
    e2e/bench/run --build "$PWD/build/release" "$@"
}

dev_clean() {
    if (($# > 0)); then fail_usage "clean takes no argument"; fi
    if fleet_is_up; then dev_down; fi
    local start
    start="$(now_ms)"
    rm -rf build
    done_step "Removing build/" "$start"
}
