#!/usr/bin/env bash
# Brings the unmodified clients of the end-to-end tests: the Python SDKs in .cache/venv, and Node.
set -euo pipefail
cd "$(dirname "$0")/.."
source .tools/python.sh

requirements=tests/clients/requirements.txt
# Inside the environment, so that it goes when the environment goes.
stamp=.cache/venv/requirements.sha256

main() {
    use_venv
    check_python
    if ! sha256sum --check --status "$stamp" 2>/dev/null; then
        install_sdks
    fi
    check_node
}

check_python() {
    if ! .cache/venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
        fail "the SDKs need Python 3.10 or newer, and python3 is $(.cache/venv/bin/python --version)" \
            "put a newer python3 first in PATH, then: rm -r .cache/venv"
    fi
}

install_sdks() {
    say "Installing the SDKs of $requirements in .cache/venv"
    venv_pip install --quiet --retries 2 --only-binary :all: --require-hashes --requirement "$requirements" ||
        fail "pip could not install $requirements" \
            "see pip's message above: is the network, or a mirror in pip's configuration, there?"
    sha256sum "$requirements" >"$stamp"
}

check_node() {
    if ! command -v node >/dev/null; then
        install_packages "One of the test clients is Node's fetch." nodejs
    fi
    if ! node --eval 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)'; then
        fail "the tests need Node 18 or newer (for its fetch), and node is $(node --version)" \
            "put a newer node first in PATH, or remove the old one and let this install Debian's"
    fi
}

main "$@"
