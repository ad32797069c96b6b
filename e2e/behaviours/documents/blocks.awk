# Splits a Markdown document into what the test runs. Written into the folder `into`, numbered in their order:
#   NNN.file, NNN.name   a block tagged `<language> file=<path>`: its content and the path
#   NNN.command, NNN.expected, NNN.line   a command of a ```console block, what it should print, where it stands
# Shell commands under any other tag would never run, so such a tag is an error.
function start(kind) { number++; base = sprintf("%s/%03d", into, number); part = base "." kind; printf "" >part }

!fence && /^ *```/ {
    tag = $0; sub(/^ *```/, "", tag); fence = 1; mode = ""
    if (tag == "console") mode = "console"
    else if (match(tag, /file=[^ ]+$/)) {
        start("file"); print substr(tag, RSTART + 5) >(base ".name"); mode = "file"
    } else if (tag == "" || tag ~ /^(sh|bash|shell|zsh|shell-session)( |$)/) {
        printf "%s:%d: a block tagged \"%s\": use console (run by this test) or text (never run)\n", FILENAME, FNR, tag
        bad = 1
    }
    next
}
fence && /^ *```/ { fence = 0; continued = 0; if (part) close(part); part = ""; next }
mode == "file" && fence { print >part; next }
mode == "console" && fence && /^\$ / && !continued {
    if (part) close(part)
    start("command"); print FNR >(base ".line"); close(base ".line")
    print substr($0, 3) >part
    continued = /\\$/
    if (!continued) { close(part); part = base ".expected"; printf "" >part }
    next
}
mode == "console" && fence && continued {
    print >part
    continued = /\\$/
    if (!continued) { close(part); part = base ".expected"; printf "" >part }
    next
}
mode == "console" && fence {
    if (!part) { printf "%s:%d: output before the first command of a block\n", FILENAME, FNR; bad = 1; next }
    print >part
}
END {
    if (fence) { printf "%s: the last block is not closed\n", FILENAME; bad = 1 }
    exit bad
}
