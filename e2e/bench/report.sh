# shellcheck shell=bash disable=SC2154
# Sourced by run: samples in, rows of Markdown out. Each section has samples and a table of its own, so that the
# failure of one loses nothing of the others.

now_ms() { date +%s%3N; }

row() { printf '| %s | %s | %s | %s |\n' "$@" >>"$table"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { if (b > 0) printf "%.2f ×", a / b; else printf "–" }'; }
over() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%+.2f ms", a - b }'; }
difference() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", a - b }'; }
# per A B [DIGITS]: a quotient without a unit.
per() { awk -v a="$1" -v b="$2" -v digits="${3:-0}" 'BEGIN { if (b > 0) printf "%.*f", digits, a / b; else printf "–" }'; }

# field NAME N: of the last line of that name in this section's samples. A name without a sample fails the section,
# though the shell goes on where it stands in an argument.
field() {
    awk -F '\t' -v name="$1" -v n="$2" '$1 == name { value = $n } END { if (value == "") exit 1; print value }' "$samples" ||
        echo "$1" >>"$samples.missing"
}
p50() { field "$1" 2; }
p99() { field "$1" 3; }

# compare_rows WHAT SUBJECT BASELINE-WHAT BASELINE HOW: a p50 and a p99, each beside that of the baseline; HOW is ratio
# or over.
compare_rows() {
    local at
    for at in p50 p99; do
        row "$1, $at" "$("$at" "$2") ms" "$3 $("$at" "$4") ms" "$("$5" "$("$at" "$2")" "$("$at" "$4")")"
    done
}

file_kib() { echo "$(($(stat -c %s "$1") / 1024)) KiB"; }
# The kernel's proportional set size of a process, which counts a shared page once over all that share it.
memory() { awk '/^Pss:/ { pss = $2 } /^Pss_Anon:/ { anon = $2 } END { print pss " KiB, anonymous " anon " KiB" }' "/proc/$1/smaps_rollup"; }
pss_mib() { awk '/^Pss:/ { printf "%.0f", $2 / 1024 }' "/proc/$1/smaps_rollup"; }
cpu_ms() { "$tests/harmony-bench-cpu-time" "$1"; }
# used_since PID BEFORE: milliseconds of CPU time. A process that has ended in the meantime fails the section.
used_since() {
    local now
    now=$(cpu_ms "$1") || return 1
    per "$(difference "$now" "$2")" 1 1
}

begin_table() {
    {
        echo '| what | measured | baseline of the same run | result |'
        echo '|---|---|---|---|'
    } >"$table"
    : >"$samples"
}

# write_table SECTION: into its place in docs/performance.md.
write_table() {
    local document=$source_dir/docs/performance.md begin="<!-- bench $1 -->"
    grep -qxF -- "$begin" "$document" || fail "docs/performance.md has no line \"$begin\""
    awk -v begin="$begin" -v table="$tables/$1.md" '
        $0 == begin { print; while ((getline line < table) > 0) print line; skipping = 1; next }
        $0 == "<!-- end of bench -->" { skipping = 0 }
        !skipping' "$document" >"$sandbox/document"
    cp "$sandbox/document" "$document"
}

# run_section NAME: in a shell of its own, which a failed command ends. Its table is printed at once.
run_section() {
    local name=$1 started=$SECONDS status
    table=$tables/$name.md samples=$sandbox/samples-$name
    printf '== %s: about %s\n' "$name" "$(duration_of "$name")"
    set +e
    (
        set -e
        begin_table
        "measure_${name//-/_}"
        [ ! -e "$samples.missing" ] || fail "no sample came of: $(tr '\n' ' ' <"$samples.missing")"
    )
    status=$?
    set -e
    case $status in
        0) measured+=" $name" ;;
        77) skipped+=" $name" ;;
        *) failed+=" $name" ;;
    esac
    if [ "$status" != 77 ]; then
        printf '\n%s\n\n' "$(<"$table")"
        printf '== %s: %s after %s s\n' "$name" "$([ "$status" = 0 ] && echo measured || echo FAILED)" "$((SECONDS - started))"
    fi
}
