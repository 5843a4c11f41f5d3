# shellcheck shell=bash
# Sourced: bills of materials, CycloneDX 1.5 in JSON, of $version as of the time $created. cargo-cyclonedx lists the crates;
# what else an image holds is added.

cyclonedx_version=0.5.9

install_cyclonedx() {
    bring_cargo_tool cargo-cyclonedx "$cyclonedx_version"
    cyclonedx_dir=$(cargo_tool_folder cargo-cyclonedx "$cyclonedx_version")
}

# list_crates FOLDER TARGET OUTPUT: the crates that FOLDER's package is built of. The tool writes beside every Cargo.toml
# of the workspace, so it gets a copy.
list_crates() {
    local folder=$1 platform=$2 output=$3 copy
    copy=$(mktemp --directory)
    cp -R Cargo.toml Cargo.lock rust-toolchain.toml audit filter tests "$copy"
    if ! SOURCE_DATE_EPOCH=${created:?} "$cyclonedx_dir/cargo-cyclonedx" cyclonedx --quiet --format json --spec-version 1.5 \
        --target "$platform" --manifest-path "$copy/$folder/Cargo.toml" --override-filename crates; then
        rm -rf "$copy"
        fail "the crates of $folder could not be listed" "see cargo-cyclonedx's message above"
    fi
    sed "s|$copy|/ledgerline|g" "$copy/$folder/crates.json" >"$output"
    rm -rf "$copy"
}

# describe TYPE NAME VERSION LICENCE SHA256 PURL [CPE]: a component, as write_sbom reads it. An empty hash is left out.
describe() {
    local IFS=$'\t'
    printf '%s\n' "$*"
}

# write_sbom TYPE NAME OUTPUT CRATES... <COMPONENTS: one bill from lists of crates and the lines that describe made.
write_sbom() {
    python3 - /dev/fd/3 "${version:?}" "${created:?}" "$@" 3<&0 <<'PYTHON'
import datetime, json, sys

components_file, version, created, kind, name, output, *crate_lists = sys.argv[1:]


def described(line):
    kind, name, version, licence, sha256, purl, *cpe = line.rstrip("\n").split("\t")
    component = {"type": kind, "bom-ref": purl, "name": name, "version": version}
    if sha256:
        component["hashes"] = [{"alg": "SHA-256", "content": sha256}]
    component["licenses"] = [{"expression": licence}]
    if cpe:
        component["cpe"] = cpe[0]
    return component | {"purl": purl}


with open(components_file) as lines:
    components = {component["bom-ref"]: component for component in map(described, lines)}
parts = list(components)
dependencies = {}
tools = []
for path in crate_lists:
    with open(path) as file:
        bill = json.load(file)
    tools = bill["metadata"]["tools"]
    root = bill["metadata"]["component"]
    root.pop("components", None)
    parts.append(root["bom-ref"])
    for component in [root, *bill["components"]]:
        components.setdefault(component["bom-ref"], component)
    for entry in bill["dependencies"]:
        dependencies.setdefault(entry["ref"], set()).update(entry.get("dependsOn", []))
dependencies[name] = set(parts)

bill = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.5",
    "version": 1,
    "metadata": {
        "timestamp": datetime.datetime.fromtimestamp(int(created), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "tools": tools,
        "component": {"type": kind, "bom-ref": name, "name": name, "version": version},
    },
    "components": [components[ref] for ref in sorted(components)],
    "dependencies": [{"ref": ref, "dependsOn": sorted(dependencies[ref])} for ref in sorted(dependencies)],
}
with open(output, "w") as file:
    json.dump(bill, file, indent=1)
    file.write("\n")
PYTHON
}
