# shellcheck shell=bash disable=SC2154
# An image of a root folder, on an empty base. Its tag is the hash of all that goes into it, so that the same input is
# the same image, made once.

# Raised whenever the same input becomes another image.
readonly image_revision=1
# Archives of earlier builds that are kept of each image.
readonly archives_kept=3

# buildah with a storage of its own, in which nothing is mounted.
run_buildah() {
    local work="$1"
    shift
    buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs "$@"
}

# pack FOLDER FILE: the same bytes for the same content.
pack() {
    tar -C "$1" --sort=name --format=gnu --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$2" .
}

# tag_of NAME LAYER
tag_of() {
    {
        printf '%s %s %s %s\n' "$image_revision" "$1" "$image_user" "$(dpkg --print-architecture)"
        sha256sum <"$2"
    } | sha256sum | cut -c 1-16
}

# commit_image WORK NAME PROGRAM LAYER REFERENCE ARCHIVE
commit_image() {
    local work="$1" name="$2" program="$3" layer="$4" reference="$5" archive="$6" container
    container="$(run_buildah "$work" from scratch)"
    run_buildah "$work" add --quiet "$container" "$layer" /
    run_buildah "$work" config --user "$image_user:$image_user" --entrypoint "[\"/usr/local/bin/$program\"]" --cmd '' \
        --env PATH=/usr/local/bin --workingdir / --label "org.opencontainers.image.title=$name" \
        --created-by 'e2e/images/build' "$container"
    # The times of all files and of the image itself are zero.
    run_buildah "$work" commit --quiet --timestamp 0 --rm "$container" "$reference"
    rm -f "$archive.part"
    run_buildah "$work" push --quiet "$reference" "docker-archive:$archive.part:$reference"
    mv "$archive.part" "$archive"
}

# make_image WORK NAME PROGRAM: prints the reference and the archive.
make_image() {
    local work="$1" name="$2" program="$3" file="${3##*/}" start tag archive reference
    start="$(now_ms)"
    make_root_folder "$work/root" "$file" "$program"
    pack "$work/root" "$work/layer.tar"
    tag="$(tag_of "$name" "$work/layer.tar")"
    reference="$prefix/$name:$tag"
    archive="$tree/images/$name-$tag.tar"
    if [[ ! -f "$archive" || "${FLEET_E2E_FORCE_REBUILD:-}" == 1 ]]; then
        commit_image "$work" "$name" "$file" "$work/layer.tar" "localhost/harmony/$name:$tag" "$archive" \
            >>"$tree/images/build.log" 2>&1 ||
            fail "the image $name could not be made" "buildah says why in $tree/images/build.log"
        done_step "The image $name" "$start" >&2
    fi
    touch "$archive"
    remove_older "$name"
    references+=("$name=$reference")
    archives+=("$archive")
    printf '%s %s\n' "$reference" "$archive"
}

remove_older() {
    local -a found
    mapfile -t found < <(find "$tree/images" -maxdepth 1 -name "$1-*.tar" -printf '%T@ %p\n' | sort -rn | cut -d ' ' -f 2-)
    if ((${#found[@]} > archives_kept)); then rm -f "${found[@]:archives_kept}"; fi
}

# What a program reads: {"harmony-fleet-agent": "localhost/harmony/harmony-fleet-agent:…"}
write_list() {
    local before='{}'
    if [[ -s "$tree/images/images.json" ]]; then before="$(<"$tree/images/images.json")"; fi
    printf '%s\n' "${references[@]}" |
        jq -R -n --argjson before "$before" '$before + ([inputs | split("=") | {(.[0]): .[1]}] | add)' \
            >"$tree/images/images.json.part"
    mv "$tree/images/images.json.part" "$tree/images/images.json"
}

remove_work() {
    chmod -R u+w "$1" 2>/dev/null || true
    rm -rf "$1"
}
