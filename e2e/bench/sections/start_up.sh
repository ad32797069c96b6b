# shellcheck shell=bash disable=SC2154
# Section start-up: the client's commands against a process that does nothing.

measure_start_up() {
    mkdir "$sandbox/plugins"
    chmod 755 "$sandbox/plugins"
    "$tests/harmony-make-plugins" "$sandbox/plugins" 200 >/dev/null
    export HARMONY_PLUGIN_PATH=$sandbox/plugins
    harmony scores list >/dev/null
    # The index is removed before each run of the second subject.
    cat >"$sandbox/not-indexed" <<SH
#!/bin/sh
rm -f "$XDG_CACHE_HOME/harmony/plugins.index"
exec "$build/bin/harmony" scores list
SH
    cat >"$sandbox/only-rm" <<SH
#!/bin/sh
rm -f "$XDG_CACHE_HOME/harmony/nothing"
exec "$tests/harmony-bench-bare"
SH
    chmod +x "$sandbox/not-indexed" "$sandbox/only-rm"
    "$tests/harmony-bench-start-up" 200 "bare=$tests/harmony-bench-bare" "version=$build/bin/harmony,--version" \
        "list=$build/bin/harmony,scores,list" >>"$samples"
    "$tests/harmony-bench-start-up" 50 "only-rm=$sandbox/only-rm" "not-indexed=$sandbox/not-indexed" >>"$samples"
    row "\`harmony --version\`, p50" "$(p50 version) ms" "bare process $(p50 bare) ms" "$(over "$(p50 version)" "$(p50 bare)")"
    row "\`scores list\`, 200 plugins, indexed, p50" "$(p50 list) ms" "bare process $(p50 bare) ms" "$(over "$(p50 list)" "$(p50 bare)")"
    row "\`scores list\`, 200 plugins, not indexed, p50" "$(p50 not-indexed) ms" "bare process $(p50 only-rm) ms" \
        "$(over "$(p50 not-indexed)" "$(p50 only-rm)")"
}
