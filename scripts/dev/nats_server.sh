# shellcheck shell=bash
# nats-server 2.10 or newer. Debian 12 has an older one, so the package of Debian 13 is fetched through an apt
# configuration that exists only for this download: the machine's own sources and pins stay as they are.

readonly nats_wanted=2.10
readonly nats_suite=trixie
readonly debian_keyring=/usr/share/keyrings/debian-archive-keyring.gpg
readonly service_policy=/usr/sbin/policy-rc.d

own_policy=''   # set while the policy file is ours
nats_folder=''  # set while the private apt configuration exists

# at_least WANTED FOUND
at_least() { [[ -n "$2" && "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" == "$1" ]]; }

nats_version() {
    if ! command -v nats-server >/dev/null; then return; fi
    nats-server --version 2>/dev/null | sed -nE 's/.*v([0-9]+(\.[0-9]+)+).*/\1/p'
}

# The Debian archives that this machine already uses, one address per line, whatever form its sources have.
debian_mirrors() {
    # shellcheck disable=SC2016
    LC_ALL=C apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        awk '$2 ~ /^(bookworm|trixie|stable|oldstable)$/ && $3 == "main" && !seen[$1]++ { print $1 }'
}

# private_apt FOLDER ARGUMENTS…: apt-get with sources, lists and cache below the folder. Proxy settings of the
# machine still apply.
private_apt() {
    local folder="$1"
    shift
    apt_get -o Dir::Etc::SourceList="$folder/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
        -o Dir::State::Lists="$folder/lists" -o Dir::Cache="$folder/cache" \
        -o APT::Default-Release='' -o Acquire::Languages=none "$@"
}

# fetch_nats_package FOLDER MIRROR
fetch_nats_package() {
    local folder="$1" mirror="$2"
    mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
    printf 'deb [signed-by=%s] %s %s main\n' "$debian_keyring" "$mirror" "$nats_suite" >"$folder/sources.list"
    private_apt "$folder" update --error-on=any || return
    (cd "$folder" && private_apt "$folder" download nats-server)
}

fetch_from_some_mirror() {
    local folder="$1" mirror
    shift
    for mirror in "$@"; do
        if fetch_nats_package "$folder" "$mirror"; then return 0; fi
    done
    return 1
}

# install_without_starting PACKAGE: the fleet runs its own nats-server; the package must not start another one.
install_without_starting() {
    local fresh='' status=0
    if [[ -z "$(dpkg-query -W -f '${Version}' nats-server 2>/dev/null)" ]]; then fresh=yes; fi
    if [[ ! -e "$service_policy" ]]; then
        own_policy=yes
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$service_policy" >/dev/null
        as_root chmod 0755 "$service_policy"
    fi
    apt_get install -y --no-install-recommends "$1" || status=$?
    remove_own_policy
    # The package enables its service for the next boot. Who had the service before keeps it.
    if [[ -n "$fresh" && -d /run/systemd/system ]]; then
        as_root systemctl disable --now nats-server.service || true
    fi
    return "$status"
}

remove_own_policy() {
    if [[ -z "$own_policy" ]]; then return; fi
    as_root rm -f "$service_policy"
    own_policy=''
}

clean_up_after_nats() {
    remove_own_policy
    if [[ -n "$nats_folder" ]]; then as_root rm -rf "$nats_folder"; fi
    nats_folder=''
}

install_nats_server() {
    local found candidate
    found="$(nats_version)"
    if at_least "$nats_wanted" "$found"; then return; fi
    if [[ -n "$found" ]]; then warn "nats-server $found is too old, $nats_wanted is needed: it is upgraded"; fi
    need_root "Installing nats-server" "./dev build"
    trap clean_up_after_nats EXIT

    candidate="$(LC_ALL=C apt-cache policy nats-server | awk '$1 == "Candidate:" { print $2 }')"
    if at_least "$nats_wanted" "$candidate"; then
        step nats-server "Installing nats-server $candidate" install_without_starting nats-server ||
            fail_with_log nats-server "apt could not install nats-server"
    else
        install_nats_of_next_debian
    fi

    clean_up_after_nats
    trap - EXIT
    found="$(nats_version)"
    at_least "$nats_wanted" "$found" ||
        fail "nats-server ${found:-(none)} comes first on PATH ($(command -v nats-server)), $nats_wanted is needed" \
            "Remove or upgrade that one."
}

install_nats_of_next_debian() {
    local -a mirrors
    mapfile -t mirrors < <(debian_mirrors)
    if ((${#mirrors[@]} == 0)); then
        fail "no Debian archive is among this machine's apt sources, so nats-server $nats_wanted cannot be fetched" \
            "Install nats-server $nats_wanted or newer so that it is on PATH, then run this again."
    fi
    nats_folder="$(mktemp -d)"
    # apt reads it as its own unprivileged user.
    chmod 0755 "$nats_folder"
    step nats-fetch "Fetching nats-server from Debian 13" fetch_from_some_mirror "$nats_folder" "${mirrors[@]}" ||
        fail_with_log nats-fetch "the nats-server package of Debian 13 could not be fetched" \
            "Asked: ${mirrors[*]}" "Or install nats-server $nats_wanted or newer yourself, so that it is on PATH."
    step nats-server "Installing it" install_without_starting "$(echo "$nats_folder"/nats-server_*.deb)" ||
        fail_with_log nats-server "apt could not install nats-server"
}
