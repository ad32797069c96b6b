# shellcheck shell=bash
# Running the tests. Continuous integration reads the closing lines of ctest, so they come last.

readonly test_labels='unit contract integration e2e e2e-kubernetes'
# Tests that share one resource of the machine exclude each other with ctest's RESOURCE_LOCK.
readonly test_jobs="${HARMONY_TEST_JOBS:-2}"

run_ctest() {
    local preset="$1"
    shift
    ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$test_jobs" "$@" </dev/null
}

# sanitizer_title PRESET
sanitizer_title() {
    case "$1" in
        asan) printf 'the address and undefined-behaviour sanitizers' ;;
        tsan) printf 'the thread sanitizer' ;;
    esac
}

# sanitized PRESET [CTEST ARGUMENTS…]: the unit and contract tests, the report in the log test-PRESET.
sanitized() {
    local preset="$1"
    shift
    compile "$preset" harmony_unit_tests
    step "test-$preset" "Unit and contract tests under $(sanitizer_title "$preset")" \
        run_ctest "$preset" -L '^(unit|contract)$' "$@"
}

# The failures of a run, or its closing lines when it had none to show.
report_of() { sed -n '/tests passed, /,$p' "build/logs/test-$1.log"; }

failures_of() { grep -v -E '^ *[0-9]+/[0-9]+ Test .* Passed|^ +Start +[0-9]+:' "build/logs/test-$1.log" || true; }

test_everything() {
    local status=0 preset
    local -a failed=()
    compile dev
    for preset in asan tsan; do
        sanitized "$preset" || failed+=("$preset")
    done
    say "All tests of the dev build:"
    run_ctest dev || status=1
    for preset in "${failed[@]}"; do
        status=1
        say "" "Under $(sanitizer_title "$preset"):"
        failures_of "$preset"
    done
    return "$status"
}

test_sanitizer() {
    local preset="$1" status=0
    shift
    if (($# > 0)); then set -- -R "$1"; fi
    sanitized "$preset" "$@" || status=1
    if ((status == 0)); then report_of "$preset"; else failures_of "$preset"; fi
    return "$status"
}

test_selection() {
    case " $test_labels " in
        *" $1 "*)
            if [[ "$1" == unit || "$1" == contract ]]; then
                compile dev harmony_unit_tests
            else
                compile dev
            fi
            run_ctest dev -L "^$1\$"
            ;;
        *)
            compile dev
            run_ctest dev -R "$1"
            ;;
    esac
}

# Tests on a cluster are run only when they are asked for: Kubernetes is built once for them.
wants_cluster() { [[ "${HARMONY_FLEET_E2E:-}" == 1 ]]; }

dev_test() {
    if [[ "${1:-}" == e2e-kubernetes ]] && ! wants_cluster; then
        say "SKIPPED: tests on pods build Kubernetes once, in six minutes and more, and need root;" \
            "set HARMONY_FLEET_E2E=1 to run them."
        return
    fi
    install_packages
    if wants_cluster; then e2e/cluster/cluster build; fi
    case "${1:-}" in
        '') test_everything ;;
        asan | tsan) test_sanitizer "$@" ;;
        *)
            if (($# > 1)); then fail_usage "test takes one label or regular expression"; fi
            test_selection "$1"
            ;;
    esac
}
