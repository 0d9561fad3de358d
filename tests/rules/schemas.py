# SPDX-License-Identifier: Apache-2.0
"""schemas/*.json against the loader: for test_schemas.sh.

  schemas.py valid SCHEMA FILE…     each file is valid; SCHEMA is gyr, rules or tests
  schemas.py invalid SCHEMA FILE…   none is
  schemas.py keys SCHEMA SOURCE…    the keys in the schema are those in the loader's tables
  schemas.py probes SCHEMA DIR      for each mapping of the schema, DIR/N.yaml with all its keys, and 'zzz'
"""
import json
import os
import re
import sys

import jsonschema
import yaml


class Loader(yaml.SafeLoader):
    """YAML as the loader has it: what is not null, true, false or a number is text."""


Loader.yaml_implicit_resolvers = {
    c: [(tag, expr) for tag, expr in all_ if not tag.endswith((":timestamp", ":merge", ":value", ":bool"))]
    for c, all_ in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf"))


SAMPLES = {"version": "1.0.0", "condition": "evt.num = 1", "items": []}
RULE = {"rule": "x", "desc": "x", "condition": "evt.num = 1", "output": "x", "priority": "info"}


def objects(schema, path):
    """Every mapping the schema describes, as (keys, function that puts a mapping where it belongs)."""
    for word in ("anyOf", "allOf"):
        for s in schema.get(word, ()):
            yield from objects(s, path)
    for word in ("then", "else"):
        if word in schema:
            yield from objects(schema[word], path)
    if isinstance(schema.get("additionalProperties"), dict):
        yield from objects(schema["additionalProperties"], lambda x: path({"x": x}))
    if "items" in schema:
        yield from objects(schema["items"], lambda x: path([x]))
    props = schema.get("properties")
    if not props:
        return
    yield sorted(props), path
    must = {k: SAMPLES.get(k, "x") for k in schema.get("required", ())}
    for key, s in props.items():
        yield from objects(s, lambda x, key=key: path({**must, key: x}))


def texts(schema):
    return {k for keys, _ in objects(schema, lambda x: x) for k in keys}


def documents(name):
    with open(name, encoding="utf-8") as f:
        return [d for d in yaml.load_all(f, Loader) if d is not None]


def main(what, name, args):
    with open(f"schemas/{name}.schema.json", encoding="utf-8") as f:
        schema = json.load(f)
    jsonschema.Draft7Validator.check_schema(schema)
    check = jsonschema.Draft7Validator(schema)
    bad = 0
    if what in ("valid", "invalid"):
        for file in args:
            errors = [e for d in documents(file) for e in check.iter_errors(d)]
            if bool(errors) == (what == "valid"):
                bad = 1
                print(f"# {file}: {errors[0].message[:300] if errors else 'valid'}")
    elif what == "keys":
        known = set()
        for file in args:
            with open(file, encoding="utf-8") as f:
                text = f.read()
            known |= set(re.findall(r'"([a-z_]+)", [a-z]\w+\s*[\\}]', text))
            tables = r"const (?:\w+_)?(?:keys|parts)\[\]" if name == "tests" else r"const keys\[\]"
            for table in re.findall(tables + r" = \{(.*?)NULL\}", text, re.S):
                known |= set(re.findall(r'"([a-z0-9_-]+)"', table))
        for key in sorted(known ^ texts(schema)):
            bad = 1
            print(f"# '{key}' is only known to the {'loader' if key in known else 'schema'}")
    else:
        for n, (keys, put) in enumerate(objects(schema, lambda x: x)):
            doc = put({**{k: "1.0.0" if k == "version" else "replace" for k in keys}, "zzz": "replace"})
            if name == "rules":
                doc.insert(0, RULE)
            with open(os.path.join(args[0], f"{n}.yaml"), "w", encoding="utf-8") as f:
                json.dump(doc, f)
    return bad


sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
