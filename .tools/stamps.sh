# shellcheck shell=bash
# Sourced: whether what was installed in a folder is what files pin. The stamp lies inside the folder, so that it goes
# when the folder goes.

# is_current FOLDER
is_current() {
    sha256sum --check --status "$1/installed.sha256" 2>/dev/null
}

# mark_current FOLDER PINS...
mark_current() {
    local folder=$1
    shift
    sha256sum "$@" >"$folder/installed.sha256"
}
