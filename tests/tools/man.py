# SPDX-License-Identifier: Apache-2.0
"""Compare the man pages with the code, in both directions. Prints what one has and the other has not.

    man.py commands GYR      gyr.8 and --help
    man.py keys              gyr.yaml.5 and the tables of core/config
    man.py rules             gyr-rules.5 and the tables of core/rules
    man.py plugin            gyr-plugin.7 with the page it points to, and the headers of the SDK
"""
import glob
import re
import subprocess
import sys

bad = 0


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def compare(what, page, code):
    global bad
    for x in sorted(code - page):
        print(f"{what}: {x} is not in the page")
    for x in sorted(page - code):
        print(f"{what}: {x} is in the page only")
    bad |= code != page
    if len(code) == 0:
        bad = print(f"{what}: nothing was found") or 1


def sections(path, macro):
    """Texts behind each ".Sh" or ".Ss"."""
    text = read(path)
    found = {}
    for part in re.split(rf"^\.{macro} ", text, flags=re.M)[1:]:
        name, _, body = part.partition("\n")
        found[name] = re.split(r"^\.S[hs] ", body, flags=re.M)[0] if macro == "Ss" else body
    return found


def items(body):
    """The words of ".It Ic a , Ic b"."""
    found = set()
    for line in re.findall(r"^\.It (Ic .*)$", body, flags=re.M):
        found |= {w for w in line.replace(" , ", " ").split() if w != "Ic"}
    return found


def commands(gyr):
    def text(*args):
        return subprocess.run([gyr, *args], capture_output=True, text=True, check=False).stdout

    pages = sections("docs/man/gyr.8", "Sh")["COMMANDS"]
    pages = dict(re.findall(r"^\.Ss (\S+)\n(.*?)(?=^\.Ss |\Z)", pages, flags=re.M | re.S))
    listed = re.findall(r"^  ([a-z]+) +\S", text("--help").split("Commands:")[1], flags=re.M)
    compare("commands", set(pages), set(listed))
    for c in listed:
        page = set()
        for line in re.findall(r"^\.It (Fl .*)$", pages.get(c, ""), flags=re.M):
            page |= {("-" + f, m) for f, m in re.findall(r"Fl (\S+)(?: , | Ar (\S+)|$|)", line)}
        page = {(f, "") for f, _ in page} | {
            ("-" + f, a) for f, a in re.findall(r"^\.It .*Fl (-\S+) Ar (\S+)$", pages.get(c, ""), flags=re.M)}
        code = set()
        for short, long, arg in re.findall(r"^  (?:(-.), |    )(--[a-z-]+)(?: (\S+))?  +\S",
                                           text(c, "--help"), flags=re.M):
            if long != "--help":
                code |= {(f, "") for f in (short, long) if f} | ({(long, arg)} if arg else set())
        if code or page:
            compare(f"gyr {c}", page, code)
        usage = re.findall(r"^(?:Usage:| *or:) (gyr .*)$", text(c, "--help"), flags=re.M)
        compare(f"gyr {c}: usage", set(re.findall(r"^\.D1 (gyr .*)$", pages.get(c, ""), flags=re.M)),
                {u.replace("…", " ...") for u in usage})


def tables():
    """WHAT of each conf_read_map() and the keys of its table."""
    entries = {"noise": "an entry of 'mute'", "redact": "an entry of 'redact'",
               "adjust": "an entry of 'append_output'"}
    found = {}
    for path in sorted(set(glob.glob("core/config/*.c")) - {"core/config/read.c"}):  # which defines it
        text = read(path)
        common = set(re.findall(r'"(\w+)", entry_\w+', text.partition("COMMON_KEYS")[2].partition("static")[0]))
        keys = {}
        for m in re.finditer(r"struct key (\w+)\[\] =\s*\{(.*?)\};|conf_read_map\((.*?)\);|"
                             r"read_plugins\(r, v, (\w+), ARRAY_LEN\(\w+\), \"([^\"]+)\"", text, flags=re.S):
            if m.group(1):
                keys[m.group(1)] = set(re.findall(r'\{"([^"]+)", *\w+\}', m.group(2))) | (
                    common if "COMMON_KEYS" in m.group(2) else set())
            elif m.group(4):
                found[m.group(5)] = keys[m.group(4)]
            elif '"' in m.group(3):
                what = re.search(r'"([^"]+)"', m.group(3)).group(1)
                if what == "an entry":
                    what = entries[re.search(r"(\w+)\.c", path).group(1)]
                found["the rules of a step" if what == "enable" else what] = keys["keys"]
            elif "n_keys, kind" not in m.group(3):
                sys.exit(f"{path}: this call is not understood: {m.group()}")
    return found


def keys():
    code = tables()
    page = {w: items(b) for w, b in sections("docs/man/gyr.yaml.5", "Ss").items()}
    compare("mappings", set(page), set(code))
    for what, names in code.items():
        compare(what, page.get(what, set()), names)


def strings(path, name):
    m = re.search(rf"\b{name}\[[^\]]*\] = \{{(.*?)\}};", read(path), flags=re.S)
    return {s for s in re.findall(r'"([^"]*)"', m.group(1)) if s}


def rule_tables():
    found = {}
    for path in ("core/rules/rule_item.c", "core/rules/items.c", "core/rules/exception.c", "core/rules/load.c"):
        for body in re.findall(r"char \*const keys\[\] = \{(.*?)\}", read(path), flags=re.S):
            names = re.findall(r'"([^"]+)"', body)
            found[names[0] + (":" if "alternatives" in names else "")] = set(names)
    return found


def rules():
    page = sections("docs/man/gyr-rules.5", "Sh")
    parts = sections("docs/man/gyr-rules.5", "Ss")
    code = rule_tables()
    compare("rules", items(page["RULES"]), code["rule"])
    compare("macros", items(page["MACROS"]), code["macro"])
    compare("lists", items(page["LISTS"]), code["list"])
    compare("exceptions", items(page["EXCEPTIONS"]), code["name"])
    compare("needs", items(page["WHAT A FILE NEEDS"]),
            code["required_engine_version"] | code["required_plugin_versions"] | code["name:"])
    compare("kinds of tables", {"rule", "macro", "list", "name", "required_engine_version",
                                "required_plugin_versions", "name:"}, set(code))
    ast = "core/rules/ast.c"
    compare("comparators", items(parts["Comparators"]), strings(ast, "op_names"))
    compare("modifiers", items(parts["Modifiers"]), strings(ast, "mod_names"))
    compare("transformers", items(parts["Transformers"]), strings(ast, "transform_names"))


def plugin():
    page = read("docs/man/gyr-plugin.7")
    both = page + read("docs/abi.md")
    # a made-up host for tests is no part of the ABI
    headers = "".join(read(p) for p in glob.glob("sdk/gyr/*.h") if not p.endswith("/testing.h"))
    structs = set(re.findall(r"^struct (gyr_\w+) \{", headers, flags=re.M))
    functions = set(re.findall(r"^static inline [^\n(]*?\b(gyr_\w+)\(", headers, flags=re.M)) | {"gyr_plugin_query"}
    known = set(re.findall(r"\bgyr_\w+", both))
    compare("structs", structs & known, structs)
    compare("functions", functions & known, functions)
    compare("names of the page", set(re.findall(r"(?:struct |Fn )(gyr_\w+)", page)),
            (structs | functions) & set(re.findall(r"\bgyr_\w+", page)))


if __name__ == "__main__":
    {"commands": commands, "keys": keys, "rules": rules, "plugin": plugin}[sys.argv[1]](*sys.argv[2:])
    sys.exit(bad)
