# shellcheck shell=bash
# Sourced: says what it was when something could not be installed, by the words of the tool that tried: pip, npm, Go, cargo,
# apt or rustup. All that is installed is locked, so it is one of a few things, and each has a remedy of its own:
#
#   full        the disk
#   changed     a file is not the one that was locked
#   incomplete  a list does not hold all that is needed, so something would have to be resolved anew
#   untrusted   the index has a certificate that is not trusted here
#   unreachable the index does not answer
#   refused     the index answers, and wants a login or forbids the package
#   gone        the index answers, and has no such version
#   unknown     none of these words was seen
#
# The order counts: pip says "No matching distribution" of an index that it could not reach, too.
# install_failed WHAT LOG [WAY_OUT]: shows the end of the log and fails with what it was.
install_failed() {
    local what=$1 log=$2 way_out=${3:+; or $3}
    # Without what cargo draws for a terminal.
    tr '\r' '\n' <"$log" | grep --invert-match --text ' \[[=> ]*\] ' | tail -n 20 >&2 || true
    case $(kind_of_failure "$log") in
    full) fail "$what: the disk is full" "make room, then run this again" ;;
    changed) fail "$what: a package is not the one that was locked" \
        "find out who changed it, before anything else; a proxy or mirror in between is the likely place$way_out" ;;
    incomplete) fail "$what: the list of locked packages is not complete, and nothing is resolved anew" \
        "that is a fault of this project, or of an edit: the list's first lines, or git log, say how it is made" ;;
    untrusted) fail "$what: the certificate of the package index is not trusted here" \
        "add the authority of your proxy or mirror to this machine's certificates$way_out" ;;
    unreachable) fail "$what: the package index cannot be reached" \
        "look at the network, the proxy, or the mirror in the tool's configuration, then run this again$way_out" ;;
    refused) fail "$what: the package index refuses it" \
        "log in to the proxy or mirror that the tool is configured for, or have the package allowed there$way_out" ;;
    gone) fail "$what: the package index has no such version (any more), or none for this system" \
        "ask another index or mirror that still has it, or lock another version$way_out" ;;
    *) fail "$what" "the messages above say why (all of it: $log)$way_out" ;;
    esac
}

# kind_of_failure LOG
kind_of_failure() {
    local log=$1
    if says "$log" 'could not compile'; then
        echo unknown
    elif says "$log" 'No space left on device|ENOSPC|enough free space'; then
        echo full
    elif says "$log" 'DO NOT MATCH THE HASHES|EINTEGRITY|checksum mismatch|SECURITY ERROR|checksum for .* changed between lock files' \
        'failed to verify the checksum|Hash Sum mismatch|is not signed|NO_PUBKEY|BADSIG|invalid signature'; then
        echo changed
    elif says "$log" 'Hashes are required in --require-hashes mode|must have their versions pinned|which is not installed' \
        'can only install .*when your package.json|Missing: .* from lock file|missing go\.sum entry|updates to go\.mod needed' \
        'import lookup disabled by -mod=readonly|no required module provides|--locked was passed|lock file .*needs to be updated'; then
        echo incomplete
    elif says "$log" 'CERTIFICATE_VERIFY_FAILED|certificate verif|SSL certificate|x509:|UNABLE_TO_.*CERT|UNABLE_TO_VERIFY|SELF_SIGNED' \
        'self.signed certificate|Certificate verification failed'; then
        echo untrusted
    elif says "$log" '\(from versions: [0-9]'; then
        echo gone
    elif says "$log" 'NewConnectionError|Connection ?(Error|refused|reset|timed out|failed|aborted)|(could ?n.t|unable to|failed to|cannot) (connect|initiate the connection)' \
        'ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|FETCH_ERROR' \
        'Temporary failure|could not resolve|no such host|dial tcp|proxyconnect|ProxyError|network is unreachable|error sending request' \
        'timed? ?out|timeout was reached|i/o timeout|handshake timeout|spurious network error|is not a trusted or secure host' \
        '50[0234] (Bad Gateway|Service|Gateway|Internal)|too many 50[0-9]|E50[0-9]|unexpected EOF|too slow'; then
        echo unreachable
    elif says "$log" '(40[137]|code:? 40[137]|E40[137])( |:|$)' 'Forbidden|Unauthorized|Proxy Authentication'; then
        echo refused
    elif says "$log" 'No matching distribution|ETARGET|No matching version|(^|[^0-9])4(04|10)([^0-9]|$)|unknown revision|invalid version' \
        'failed to select a version|could not find .* in registry|no matching package|unable to locate package|no installation candidate' \
        'is yanked|version .* was not found'; then
        echo gone
    else
        echo unknown
    fi
}

# says LOG PATTERN...
says() {
    local log=$1 pattern patterns=()
    shift
    for pattern in "$@"; do
        patterns+=(-e "$pattern")
    done
    grep --quiet --ignore-case --extended-regexp "${patterns[@]}" "$log"
}
