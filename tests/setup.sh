#!/usr/bin/env bash
# Brings the unmodified clients of the end-to-end tests: the Python SDKs and Node in .cache/venv, an
# older MCP SDK, which does not go with them, in .cache/venv-mcp1, and the JavaScript SDKs in .cache/npm.
set -euo pipefail
cd "$(dirname "$0")/.."
source .tools/node.sh

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
    venv_pip install --quiet --retries 2 --no-deps --only-binary :all: --require-hashes --requirement "$requirements" ||
        fail "pip could not install $requirements" \
            "see pip's message above: is the network, or a mirror in pip's configuration, there?"
    mark_current "$venv" "$requirements"
}

main "$@"
