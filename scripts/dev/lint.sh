# shellcheck shell=bash
# Checks that need no build: formatting, shell scripts, secrets, marks that must not stay. And clang-tidy, which
# needs the compile commands of the dev build.

# Every file of the project: tracked, or new and not ignored.
project_files() { git ls-files --cached --others --exclude-standard -- "$@" | while_it_exists; }

while_it_exists() {
    local file
    while IFS= read -r file; do
        if [[ -f "$file" ]]; then printf '%s\n' "$file"; fi
    done
}

cpp_files() { project_files '*.hpp' '*.cpp' '*.h' '*.c' '*.hpp.in' '*.cpp.in'; }

shell_files() {
    local file first
    project_files | while IFS= read -r file; do
        first=''
        IFS= read -r first <"$file" 2>/dev/null || true
        case "$file:$first" in
            *.sh:* | *:'#!'*/bash | *:'#!'*/sh | *:'#!'*' bash'* | *:'#!'*' sh') printf '%s\n' "$file" ;;
        esac
    done
}

# The names of the files that clang-format would change.
lint_format() {
    local unformatted
    unformatted="$(cpp_files | tr '\n' '\0' | xargs -0 -r clang-format --dry-run 2>&1 |
        sed -nE 's/^([^:]+):[0-9]+:[0-9]+: warning: .*clang-format-violations.*/\1/p' | sort -u)"
    if [[ -z "$unformatted" ]]; then return 0; fi
    printf '%s\n' "$unformatted" '(./dev lint --fix formats them)'
    return 1
}

fix_format() { cpp_files | tr '\n' '\0' | xargs -0 -r clang-format -i; }

lint_shell() { shell_files | tr '\n' '\0' | xargs -0 -r shellcheck; }

# nothing_matches TITLE REGEX [PATHSPEC…]: fails and shows the lines when a file of the project matches.
nothing_matches() {
    local title="$1" regex="$2" found
    shift 2
    found="$(project_files "$@" | tr '\n' '\0' | xargs -0 -r grep -nIPH -e "$regex" || true)"
    if [[ -z "$found" ]]; then return 0; fi
    printf '%s:\n%s\n' "$title" "$found"
    return 1
}

# Contents that are secrets, and files that usually are, ignored ones included: a key beside a script is as lost as
# a committed one.
lint_secrets() {
    local status=0 keys
    nothing_matches 'a private key' '-----BEGIN [A-Z ]*PRIVATE KEY( BLOCK)?-----' || status=1
    nothing_matches 'an nkey seed' '\bS[ACNOUX][A-Z2-7]{56}\b' || status=1
    # shellcheck disable=SC2016
    nothing_matches 'a password hash' '\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}' || status=1
    nothing_matches 'a signed token' '\beyJ[\w-]{15,}\.eyJ[\w-]{15,}\.[\w-]{20,}' || status=1
    keys="$(find . \( -path ./.git -o -path ./build -o -path ./.cache \) -prune -o -type f \
        \( -name '*.pem' -o -name '*.key' -o -name '*.creds' -o -name '*.nk' -o -name 'id_ed25519*' \
        -o -name 'id_rsa*' \) -print)"
    if [[ -n "$keys" ]]; then
        printf 'files that look like keys or credentials:\n%s\n' "$keys"
        status=1
    fi
    return "$status"
}

# Files of registry credentials name one registry by an address of its own, so the code that reads them does too.
readonly reads_registry_credentials=(':!runtime/podman/src/registry_auth.cpp'
    ':!runtime/podman/tests/registry_auth_test.cpp' ':!runtime/podman/fuzz/corpus')

# The brackets keep these lines from matching themselves.
lint_marks() {
    local status=0
    nothing_matches 'unfinished work' '\b(T[O]DO|F[I]XME|X[X]X)\b' || status=1
    nothing_matches 'the name of a registry' \
        '\b(d[o]cker|q[u]ay|g[h]cr|(k8s\.)?g[c]r)\.io\b|\bm[c]r\.microsoft\b|\bdeb\.d[e]bian\.org\b|\bregistry\.(k[8]s|n[p]mjs)\b' \
        "${reads_registry_credentials[@]}" || status=1
    return "$status"
}

# Every package that ./dev or e2e/cluster installs is explained.
lint_packages() {
    local package status=0
    while IFS= read -r package; do
        if ! grep -qF "\`$package\`" docs/dependencies.md; then
            say "docs/dependencies.md says nothing of the package $package"
            status=1
        fi
    done < <(
        wanted_packages
        grep -Ev '^(#|$)' scripts/dev/packages-kubernetes.txt
    )
    return "$status"
}

# Files of the compile commands that changed since the main branch was left, or all of them.
tidy_files() {
    local base='HEAD'
    if [[ "$1" == all ]]; then
        project_files '*.cpp' '*.c'
        return
    fi
    base="$(git merge-base HEAD origin/main 2>/dev/null || git rev-parse --verify --quiet HEAD || true)"
    {
        if [[ -n "$base" ]]; then git diff --name-only --diff-filter=d "$base" -- '*.cpp' '*.c'; fi
        git ls-files --others --exclude-standard -- '*.cpp' '*.c'
    } | sort -u | while_it_exists
}

compiled_files() {
    jq -r '.[].file' build/dev/compile_commands.json | sed "s|^$PWD/||" | sort -u
}

# clang reads no precompiled header of g++.
tidy_commands() {
    mkdir -p build/tidy
    sed -E 's|-Winvalid-pch -include [^ ]*/cmake_pch\.hxx||; s|-fpch-preprocess||' build/dev/compile_commands.json \
        >build/tidy/compile_commands.json
}

lint_tidy() {
    tidy_commands
    comm -12 <(tidy_files "$1" | sort) <(compiled_files) | tr '\n' '\0' |
        xargs -0 -r -n 1 -P "$(nproc)" clang-tidy --quiet -p build/tidy --extra-arg=-Wno-unknown-warning-option
}

# Each finding once: one in a header appears for every file that includes it.
unique_findings() {
    awk '
        /^[0-9]+ (warning|error)s? (generated|treated)|^Suppressed |^Use -header-filter|^Error while processing/ { next }
        /: (error|warning): / { shown = !seen[$0]++ }
        /^[^ ].*: note: / || /^ / { if (shown) print; next }
        { if (!/: (error|warning): / || shown) print }
    '
}

# check NAME TEXT COMMAND…: a step whose log is shown when it fails.
check() {
    local name="lint-$1"
    shift
    step "$name" "$@" && return 0
    unique_findings <"build/logs/$name.log" | head -n 200
    return 1
}

dev_lint() {
    local scope=changed status=0
    case "${1:-}" in
        '') ;;
        --all) scope=all ;;
        --fix) ;;
        *) fail_usage "lint takes --all, --fix or nothing" ;;
    esac
    install_packages
    if [[ "${1:-}" == --fix ]]; then step fix-format "Formatting C++" fix_format; fi
    check format "Formatting of C++" lint_format || status=1
    check shell "Shell scripts" lint_shell || status=1
    check secrets "No secrets" lint_secrets || status=1
    check marks "No unfinished work, no registry named" lint_marks || status=1
    check packages "Every package explained" lint_packages || status=1
    if needs_configuring dev; then
        step configure-dev "Configuring the dev build" cmake --preset dev ||
            fail_with_log configure-dev "cmake could not configure the dev build"
    fi
    check tidy "Static analysis of $scope files" lint_tidy "$scope" || status=1
    if ((status == 0)); then say "Nothing to complain about."; fi
    return "$status"
}
