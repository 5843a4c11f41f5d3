# shellcheck shell=bash
# Sourced: long work that is done in silence: its output goes to a log, and a line says how far it is. Several such works may
# run at once.
source .tools/packages.sh

declare -A work_process=() work_title=()
next_line=30

# begin NAME TITLE COMMAND...: starts it; the log is .cache/NAME.log.
begin() {
    local name=$1
    work_title[$name]=$2
    shift 2
    mkdir -p .cache
    # A group of its own, so that it can be ended with all that it started. Cargo draws its bar where it is told to, and so
    # the log holds how much is done.
    set -m
    CARGO_TERM_PROGRESS_WHEN=always CARGO_TERM_PROGRESS_WIDTH=80 CARGO_TERM_COLOR=never "$@" >".cache/$name.log" 2>&1 </dev/null &
    set +m
    work_process[$name]=$!
}

# finish: waits for all of them, and says how far they are; fails with the log of the first that does, and ends the others.
finish() {
    trap stop_work EXIT
    while [[ ${#work_process[@]} -gt 0 ]]; do
        show_progress
        sleep 0.5
        reap
    done
    clear_progress
    trap - EXIT
}

reap() {
    local name
    for name in "${!work_process[@]}"; do
        if ! kill -0 "${work_process[$name]}" 2>/dev/null; then
            wait "${work_process[$name]}" || failed_work "$name"
            unset "work_process[$name]"
        fi
    done
}

failed_work() {
    clear_progress
    install_failed "${work_title[$1]} failed" ".cache/$1.log"
}

stop_work() {
    local name
    for name in "${!work_process[@]}"; do
        kill -- "-${work_process[$name]}" 2>/dev/null || true
    done
}

# On a terminal one line that changes; elsewhere a line every half minute.
show_progress() {
    local name text=''
    if [[ ! -t 2 ]] && ((SECONDS < next_line)); then
        return
    fi
    for name in "${!work_process[@]}"; do
        text+="${text:+, }${work_title[$name]}$(done_so_far ".cache/$name.log")"
    done
    if [[ -t 2 ]]; then
        printf '\r\033[K  %s' "$text" >&2
    else
        printf '  %s s: %s\n' "$SECONDS" "$text" >&2
        next_line=$((SECONDS + 30))
    fi
}

clear_progress() {
    if [[ -t 2 ]]; then
        printf '\r\033[K' >&2
    fi
}

# done_so_far LOG: " 57/120" of `Building [====>   ] 57/120: …`, or nothing.
done_so_far() {
    tail --bytes 4000 "$1" | grep --only-matching --text '\] [0-9]*/[0-9]*' | sed -n '$s/^\]//p' || true
}
