# shellcheck shell=bash
# The root folder of an image: one program, the libraries that it loads, and the few files that the C library and
# OpenSSL look for. Nothing else: no shell, no package manager.

readonly image_user=65532
readonly ca_bundle=/etc/ssl/certs/ca-certificates.crt

# libraries_of PROGRAM: the files that the loader maps, itself included, one per line.
libraries_of() {
    local listing
    listing="$(LC_ALL=C ldd "$1" 2>&1)" || {
        # A program without libraries.
        if [[ "$listing" == *'not a dynamic executable'* || "$listing" == *'statically linked'* ]]; then return; fi
        fail "ldd could not read $1" "$listing"
    }
    if [[ "$listing" == *'not found'* ]]; then
        fail "libraries of $1 are missing" "$(grep 'not found' <<<"$listing")"
    fi
    sed -nE 's/^\s*(\S+ => )?(\/\S+) \(0x[0-9a-f]+\)$/\2/p' <<<"$listing"
}

# The loader is where the program says; everything else where the loader looks without being told.
copy_libraries() {
    local program="$1" to="$2" library folder
    folder="lib/$(gcc -print-multiarch)"
    while IFS= read -r library; do
        if [[ "${library##*/}" == ld-* ]]; then
            install -D -m 0755 "$(readlink -f "$library")" "$to$library"
        else
            install -D -m 0644 "$(readlink -f "$library")" "$to/$folder/${library##*/}"
        fi
    done < <(libraries_of "$program")
}

write_accounts() {
    local to="$1"
    mkdir -p "$to/etc"
    printf 'root:x:0:0:root:/root:/sbin/nologin\nharmony:x:%s:%s:harmony:/:/sbin/nologin\n' \
        "$image_user" "$image_user" >"$to/etc/passwd"
    printf 'root:x:0:\nharmony:x:%s:\n' "$image_user" >"$to/etc/group"
    printf 'hosts: files dns\n' >"$to/etc/nsswitch.conf"
}

# Where OpenSSL and Go look for authorities.
copy_authorities() {
    local to="$1"
    if [[ ! -f "$ca_bundle" ]]; then
        fail "$ca_bundle is not there" "apt-get install ca-certificates"
    fi
    install -D -m 0644 "$ca_bundle" "$to$ca_bundle"
    mkdir -p "$to/usr/lib/ssl"
    ln -s "$ca_bundle" "$to/usr/lib/ssl/cert.pem"
}

# make_root_folder FOLDER NAME PROGRAM
make_root_folder() {
    local to="$1" name="$2" program="$3"
    rm -rf "$to"
    mkdir -p "$to/usr/local/bin" "$to/tmp"
    write_accounts "$to"
    copy_authorities "$to"
    copy_libraries "$program" "$to"
    # Debug information is most of a development build, and changes where nothing else does.
    strip --strip-all -o "$to/usr/local/bin/$name" "$program"
    find "$to" -type d -exec chmod 0755 {} +
    find "$to/etc" "$to/usr/lib" -type f -exec chmod 0644 {} +
    chmod 0755 "$to/usr/local/bin/$name"
    # Reached by the name of the image, whatever the program is called.
    if [[ "$name" == nats-server ]]; then ln -s nats-server "$to/usr/local/bin/harmony-nats-server"; fi
    chmod 1777 "$to/tmp"
}
