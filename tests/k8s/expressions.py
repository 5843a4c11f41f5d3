#!/usr/bin/env python3
"""What the dashboard asks, as rules that promtool can parse; and whether alerts and dashboard name only metrics that exist.

usage: expressions.py rules DASHBOARD                  prints a rules file (JSON is YAML) with every expression of the dashboard
       expressions.py names SEEN... -- FILE...         SEEN: scrapes, or lists of names; FILE: rules and dashboards
"""

import json
import re
import sys

# Grafana's own variables, and ours, as Grafana would fill them in.
VARIABLES = {"$__rate_interval": "1m", "$__range": "6h", "$namespace": ".*", "$pod": ".*"}

NAME = re.compile(r"(?<![\w:)\"$/.-])(?:envoy|ledgerline|kubelet|kube)_[a-z0-9_]+(?![\w:(./-])(?!\s*(?:=|!))")
NAME_PATTERN = re.compile(r'__name__=~\\?"([^"\\]+)')


def expressions(dashboard):
    """Every query of every panel, and of every variable."""
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
    for variable in dashboard["templating"]["list"]:
        query = variable.get("definition", "")
        if query.startswith("label_values("):
            yield variable["name"], query.removeprefix("label_values(").rsplit(",", 1)[0]


def filled_in(expression):
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


def print_rules(path):
    with open(path, encoding="utf-8") as file:
        dashboard = json.load(file)
    rules = [
        {"record": f"dashboard:{number}", "labels": {"panel": title}, "expr": filled_in(expression)}
        for number, (title, expression) in enumerate(expressions(dashboard))
    ]
    json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, sys.stdout, indent=1)


def seen_names(paths):
    names = set()
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for line in file:
                if line.strip() and not line.startswith("#"):
                    names.add(re.split(r"[{\s]", line, maxsplit=1)[0])
    return names


def without_comments(text):
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def check_names(seen, paths):
    unknown, asked = [], set()
    for path in paths:
        with open(path, encoding="utf-8") as file:
            text = without_comments(file.read())
        for name in sorted(set(NAME.findall(text))):
            asked.add(name)
            if name not in seen:
                unknown.append(f"{path}: no such metric: {name}")
        for pattern in sorted(set(NAME_PATTERN.findall(text))):
            asked.add(pattern)
            if not any(re.fullmatch(pattern, name) for name in seen):
                unknown.append(f"{path}: no metric matches: {pattern}")
    for line in unknown:
        print(line, file=sys.stderr)
    print(f"{len(asked)} names in {len(paths)} files, {len(unknown)} of them unknown")
    return 1 if unknown or not asked else 0


def main(arguments):
    match arguments:
        case ["rules", dashboard]:
            print_rules(dashboard)
            return 0
        case ["names", *rest] if "--" in rest:
            split = rest.index("--")
            return check_names(seen_names(rest[:split]), rest[split + 1 :])
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
