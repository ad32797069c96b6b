# shellcheck shell=bash
# Debian packages: what is missing is found with one dpkg-query, and only that is installed.

as_root() {
    if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}

# need_root WHAT COMMAND: asks for the password now, not in the middle of a step.
need_root() {
    if ((EUID == 0)); then return; fi
    if ! command -v sudo >/dev/null; then
        fail "$1 needs root, and there is no sudo here" "Run as root: $2"
    fi
    if sudo -n true 2>/dev/null; then return; fi
    say "$1 needs root: sudo may ask for your password."
    sudo -v || fail "sudo refused" "Run as root: $2"
}

apt_get() { as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get "$@"; }

wanted_packages() { grep -Ev '^(#|$)' scripts/dev/packages.txt; }

# missing_packages: those of the list that are not fully installed, one per line.
missing_packages() {
    local -a wanted
    mapfile -t wanted < <(wanted_packages)
    comm -23 <(printf '%s\n' "${wanted[@]}" | sort) <(
        dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null |
            awk '$2 == "installed" { print $1 }' | sort -u
    )
}

require_debian() {
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        fail "this is not a Debian system: dpkg and apt-get are missing" \
            "Harmony is built on Debian 12. What it needs is listed in scripts/dev/packages.txt," \
            "and nats-server 2.10 or newer."
    fi
}

# What apt would take away to install the arguments, one package per line.
would_remove() {
    LC_ALL=C apt-get install --simulate --no-install-recommends "$@" 2>/dev/null |
        awk '$1 == "Remv" { print $2 }'
}

# Boost 1.81 cannot stand beside the headers of Debian's default 1.74. Headers of Boost are replaced, with a
# word about it; anything else that would go is the user's decision.
announce_removals() {
    local -a removed others
    mapfile -t removed < <(would_remove "$@")
    if ((${#removed[@]} == 0)); then return; fi
    mapfile -t others < <(printf '%s\n' "${removed[@]}" | grep -Ev '^libboost' || true)
    if ((${#others[@]} > 0)); then
        fail "installing the missing packages would remove: ${removed[*]}" \
            "libboost1.81-dev conflicts with another version of Boost that these packages need." \
            "If you can do without them: apt-get install --no-install-recommends $*"
    fi
    warn "libboost1.81-dev replaces: ${removed[*]}"
}

install_packages() {
    local start
    start="$(now_ms)"
    require_debian
    local -a missing
    mapfile -t missing < <(missing_packages)
    if ((${#missing[@]} == 0)); then
        done_step "Debian packages are all there" "$start"
    else
        need_root "Installing ${#missing[@]} Debian packages" \
            "apt-get install --no-install-recommends ${missing[*]}"
        step apt-update "Refreshing the package lists" apt_get update ||
            warn "apt-get update failed; going on with the lists that are there (build/logs/apt-update.log)"
        announce_removals "${missing[@]}"
        step apt-install "Installing ${#missing[@]} Debian packages" \
            apt_get install -y --no-install-recommends "${missing[@]}" ||
            fail_with_log apt-install "apt could not install the packages" \
                "Above is what apt says. Often a source is unreachable or out of date: check /etc/apt/sources.list*," \
                "or an earlier installation was interrupted: dpkg --configure -a"
    fi
    install_nats_server
}
