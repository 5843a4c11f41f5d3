#!/usr/bin/env bash
# Brings the unmodified clients of the end-to-end tests: the Python SDKs and Node in .cache/venv, an
# older MCP SDK, which does not go with them, in .cache/venv-mcp1, and the JavaScript SDKs in .cache/npm. And jq, with
# which README.md asks a ledger.
set -euo pipefail
cd "$(dirname "$0")/.."
source .tools/node.sh
source .tools/optional.sh

main() {
    (install_packages "The questions of README.md are asked with it." jq) || missing "jq"
    use_venv
    check_python
    install_python .cache/venv tests/clients/requirements.txt "the clients of the tests"
    install_python .cache/venv-mcp1 tests/clients/requirements-mcp1.txt "an older MCP SDK"
    link_node
    install_javascript .cache/npm tests/clients/package-lock.json
}

check_python() {
    if ! "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
        fail "the SDKs need Python 3.10 or newer, and python3 is $("$venv/bin/python" --version)" \
            "put a newer python3 first in PATH, then: rm -r $venv"
    fi
}

main "$@"
