# shellcheck shell=bash disable=SC2154
# Kubernetes, built once from Debian's source package and kept outside the tree. Debian 12 ships no API server, but
# its source package is the whole tree with its vendored modules: the build downloads nothing else.

readonly kubernetes_suite=bookworm
readonly kubernetes_cache="${XDG_CACHE_HOME:-$HOME/.cache}/harmony/kubernetes"
readonly kubernetes_programs='kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl'
# Raised whenever the same version is built in another way.
readonly kubernetes_revision=2
# The sources, the compiler's cache and the programs before they are in place.
readonly kubernetes_space_mb=6000

# complete FOLDER: every program is there. Each is put in place as a whole.
complete() {
    local program
    for program in $kubernetes_programs; do
        if [[ ! -x "$1/bin/$program" ]]; then return 1; fi
    done
}

# The folder of the newest version that was built here; nothing where none was.
built_kubernetes() {
    local folder
    if [[ ! -d "$kubernetes_cache" ]]; then return; fi
    while IFS= read -r folder; do
        if complete "$folder"; then
            printf '%s\n' "$folder"
            return
        fi
    done < <(find "$kubernetes_cache" -mindepth 1 -maxdepth 1 -type d -name "[0-9]*.r$kubernetes_revision" | sort -rV)
}

# source_apt FOLDER ARGUMENTS…: apt-get as this user, with sources, lists and cache below the folder.
source_apt() {
    local folder="$1"
    shift
    LC_ALL=C apt-get -o Dir::Etc::SourceList="$folder/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
        -o Dir::State::Lists="$folder/lists" -o Dir::Cache="$folder/cache" \
        -o APT::Sandbox::User='' -o APT::Default-Release='' -o Acquire::Languages=none "$@"
}

# fetch_kubernetes_source FOLDER MIRROR…: the first mirror that has it. apt checks signature and hashes.
fetch_kubernetes_source() {
    local folder="$1" mirror
    shift
    mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
    for mirror in "$@"; do
        printf 'deb-src [signed-by=%s] %s %s main\n' "$debian_keyring" "$mirror" "$kubernetes_suite" \
            >"$folder/sources.list"
        if source_apt "$folder" update --error-on=any &&
            (cd "$folder" && source_apt "$folder" source --download-only kubernetes); then
            return 0
        fi
    done
    return 1
}

# The vendored reflect2 1.0.1 reads maps through an internal function whose arguments changed with Go 1.18: built with
# a newer compiler, the API server dies at its first custom resource. Debian packages the version that follows.
replace_reflect2() {
    local fixed=/usr/share/gocode/src/github.com/modern-go/reflect2 vendored="$1/vendor/github.com/modern-go/reflect2"
    if [[ ! -f "$fixed/go_above_118.go" ]]; then
        printf '%s is not the version that knows Go 1.18\n' "$fixed"
        return 1
    fi
    rm -f "$vendored"/*.go "$vendored"/*.s
    find -L "$fixed" -maxdepth 1 \( -name '*.go' -o -name '*.s' \) ! -name '*_test.go' -exec cp -t "$vendored" {} +
}

# compile_kubernetes FOLDER VERSION
compile_kubernetes() {
    local folder="$1" version="$2" program
    local -a targets=()
    rm -rf "$folder/tree"
    dpkg-source -x "$(echo "$folder"/kubernetes_*.dsc)" "$folder/tree" || return
    replace_reflect2 "$folder/tree" || return
    for program in $kubernetes_programs; do targets+=("cmd/$program"); done
    # Without a git tree the version would be empty, and clients refuse such a server.
    env -u GOPATH GOFLAGS=-mod=vendor GOCACHE="$folder/go-cache" GO111MODULE=on GOPROXY=off \
        KUBE_GIT_VERSION="v$version" KUBE_GIT_TREE_STATE=clean KUBE_GIT_COMMIT=debian \
        nice -n 15 make -C "$folder/tree" WHAT="${targets[*]}" GOLDFLAGS='-s -w' || return
    mkdir -p "$folder/out/bin"
    for program in $kubernetes_programs; do
        cp "$folder/tree/_output/local/bin/linux/$(go env GOARCH)/$program" "$folder/out/bin/" || return
    done
}

need_space() {
    local free_mb
    free_mb="$(df --output=avail -m "$kubernetes_cache" | tail -n 1)"
    if ((free_mb < kubernetes_space_mb)); then
        fail "building Kubernetes needs $kubernetes_space_mb MB below $kubernetes_cache, $free_mb MB are free" \
            "Free some, or set XDG_CACHE_HOME to a folder with room."
    fi
}

build_kubernetes_from_source() {
    local folder="$kubernetes_cache/build" debian_version upstream
    local -a mirrors
    need_space
    mapfile -t mirrors < <(debian_mirrors)
    if ((${#mirrors[@]} == 0)); then
        fail "no Debian archive is among this machine's apt sources, so Kubernetes' source cannot be fetched" \
            "Or give a cluster that is there: KUBECONFIG=… e2e/cluster/cluster --provider existing up"
    fi
    rm -rf "$folder"
    mkdir -p "$folder"
    step kubernetes-fetch "Fetching the source package of Kubernetes" \
        fetch_kubernetes_source "$folder" "${mirrors[@]}" ||
        fail_with_log kubernetes-fetch "the source package of Kubernetes could not be fetched" \
            "Asked: ${mirrors[*]}"
    debian_version="$(sed -nE 's/^Version: *//p' "$(echo "$folder"/kubernetes_*.dsc)" | head -n 1)"
    # 1.20.5+really1.20.2-1 is 1.20.2.
    upstream="${debian_version##*really}"
    upstream="${upstream%%[-+~]*}"
    step kubernetes-build "Compiling Kubernetes $upstream, once; six minutes on two idle cores" \
        compile_kubernetes "$folder" "$upstream" ||
        fail_with_log kubernetes-build "Kubernetes could not be compiled"
    rm -rf "${kubernetes_cache:?}/$debian_version.r$kubernetes_revision"
    mv "$folder/out" "$kubernetes_cache/$debian_version.r$kubernetes_revision"
    # The compiler's cache holds folders without the right to write.
    chmod -R u+w "$folder"
    rm -rf "$folder"
}

# Leaves the folder of the programs in $kubernetes.
build_kubernetes() {
    kubernetes="$(built_kubernetes)"
    if [[ -n "$kubernetes" ]]; then return; fi
    mkdir -p "$kubernetes_cache"
    exec {build_lock}>"$kubernetes_cache/.lock"
    flock "$build_lock"
    kubernetes="$(built_kubernetes)"
    if [[ -z "$kubernetes" ]]; then build_kubernetes_from_source; fi
    exec {build_lock}>&-
    kubernetes="$(built_kubernetes)"
}
