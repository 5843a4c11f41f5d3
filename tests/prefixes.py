#!/usr/bin/env python3
"""Which prefixes of public detectors the masker does not know: tests/prefixes.py CLONE...

Each CLONE is a folder, or a bare repository, with the source of a detector of secrets: gitleaks, betterleaks,
kingfisher, nosey parker, trufflehog. Their regular expressions are searched for what stands literally at their
beginning and says whose secret it is (`dckr_pat_`), and that is looked for among the shapes in
filter/core/src/mask/shapes.rs. What is not there is printed: the prefix, who has it, in which file. It is a list
for a person to read, who looks up what the prefix means: some are ids, some need a name beside them.
filter/core/src/mask/shapes.md says what was decided about which, and when."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHAPES = ROOT / "filter/core/src/mask/shapes.rs"
DECIDED = ROOT / "filter/core/src/mask/shapes.md"

# A literal that begins a token, right before a set of characters, a group or a digit class.
PREFIX = re.compile(r"(?<![A-Za-z0-9_\\\[-])((?:[A-Za-z0-9$]|\\[-._$]|[-_:])(?:[A-Za-z0-9]|\\[-._$]|[-_:]){2,24})(?=\[|\(|\\[dw])")
FILES = re.compile(r"(rules/.*|config/[a-z]+leaks)\.(ya?ml|toml)$|^pkg/detectors/.*(?<!_test)\.go$")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    known = known_prefixes()
    decided = DECIDED.read_text() if DECIDED.exists() else ""
    new = {}
    for clone in sys.argv[1:]:
        who = f"{pathlib.Path(clone.rstrip('/').removesuffix('/repo')).name.split('+')[-1]} {commit(clone)}"
        for path, text in files(clone):
            for prefix in prefixes(text):
                if not is_known(prefix, known) and f"`{prefix}`" not in decided:
                    new.setdefault(prefix, set()).add(f"{who}: {path}")
    for prefix, places in sorted(new.items()):
        print(f"{prefix}\t{'; '.join(sorted(places))}")
    print(f"{len(new)} prefixes are neither shapes nor decided about", file=sys.stderr)


def known_prefixes():
    """The second argument of each shape, and the marks that it knows otherwise."""
    text = SHAPES.read_text() + (SHAPES.parent / "marked.rs").read_text()
    return {literal for literal in re.findall(r'"([^"\s]{2,})"', text)}


def is_known(prefix, known):
    lower = prefix.lower()
    return any(lower.startswith(shape.lower()) or shape.lower().startswith(lower) for shape in known)


def prefixes(text):
    """Those that are no words: they have a sign within, or digits and capitals."""
    for expression in re.findall(r'(?m)^.*(?:regex|pattern|MustCompile|\(\?x|\\b\().*$|^\s+\S*\[[^\]]+\]\S*$', text):
        for found in PREFIX.findall(expression):
            prefix = found.replace("\\", "")
            if len(prefix) >= 3 and is_telling(prefix):
                yield prefix


def is_telling(prefix):
    has_sign = bool(re.search(r"[A-Za-z0-9][-_.:]$|[-_.][A-Za-z0-9]", prefix))
    return has_sign and not re.match(r"(?i)(https?|x-|api[_-]?key|a-z|0-9)", prefix)


def files(clone):
    for path in git(clone, "ls-tree", "-r", "--name-only", "HEAD").splitlines():
        if FILES.search(path) and "testdata" not in path:
            yield path, git(clone, "show", f"HEAD:{path}")


def commit(clone):
    return git(clone, "log", "-1", "--format=%h %cs").strip()


def git(clone, *arguments):
    return subprocess.run(
        ["git", "-C", clone, *arguments], capture_output=True, check=True, text=True, errors="replace"
    ).stdout


if __name__ == "__main__":
    main()
