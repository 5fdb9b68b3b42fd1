"""Makes the stripped API models of this folder from botocore's service-2.json:
names, types, constraints, routes and errors, without a word of prose. Members
and operations keep the order of the source, one line each, so that a new
botocore shows as a readable diff.

Run it in this folder: python3 strip.py
"""
import gzip
import json
import os

import botocore

SERVICES = {
    "personalize": "personalize/2018-05-22",
    "personalizeevents": "personalize-events/2018-03-22",
    "personalizeruntime": "personalize-runtime/2018-05-22",
}
PROTOCOLS = {"json": "awsJson1.1", "rest-json": "restJson1"}
CONSTRAINTS = ("min", "max", "pattern", "enum", "sensitive")


def source(path):
    name = os.path.join(os.path.dirname(botocore.__file__), "data", path, "service-2.json")
    if os.path.exists(name):
        return json.load(open(name, encoding="utf-8"))
    return json.load(gzip.open(name + ".gz", "rt", encoding="utf-8"))


def operation(o):
    out = {"name": o["name"], "method": o["http"]["method"], "path": o["http"]["requestUri"], "input": o["input"]["shape"]}
    if "output" in o:
        out["output"] = o["output"]["shape"]
    out["errors"] = [e["shape"] for e in o.get("errors", [])]
    return out


def shape(name, s):
    out = {"name": name, "type": s["type"]}
    for part in ("key", "value", "member"):
        if part in s:
            out[part] = s[part]["shape"]
    out.update({c: s[c] for c in CONSTRAINTS if c in s})
    if s.get("exception"):
        out["status"] = s.get("error", {}).get("httpStatusCode", 400)
    if s["type"] == "structure":
        out["members"] = [member(n, m, s) for n, m in s["members"].items()]
    return out


def member(name, m, parent):
    if "location" in m:
        raise SystemExit(f"{name} is bound to {m['location']}: the generator knows only body members")
    out = {"name": name, "shape": m["shape"]}
    if name in parent.get("required", ()):
        out["required"] = True
    if m.get("jsonvalue"):
        out["jsonvalue"] = True
    return out


def lines(values):
    return "[\n" + ",\n".join("  " + json.dumps(v) for v in values) + "\n ]"


for name, path in SERVICES.items():
    m = source(path)
    meta = m["metadata"]
    head = {"service": name, "title": meta["serviceFullName"], "version": meta["apiVersion"], "protocol": PROTOCOLS[meta["protocol"]],
            "signingName": meta["signingName"], "targetPrefix": meta.get("targetPrefix", "")}
    with open(name + ".json", "w", encoding="utf-8") as f:
        f.write("{\n" + "".join(f" {json.dumps(k)}: {json.dumps(v)},\n" for k, v in head.items()))
        f.write(' "operations": ' + lines([operation(o) for o in m["operations"].values()]) + ",\n")
        f.write(' "shapes": ' + lines([shape(n, s) for n, s in m["shapes"].items()]) + "\n}\n")
