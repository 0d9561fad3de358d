# SPDX-License-Identifier: Apache-2.0
# presets.awk FILE.yaml…: prints C with their names and texts.
BEGIN { print "static const struct {\n    const char *name, *text;\n} hook_presets[] = {" }
FNR == 1 {
    name = FILENAME; sub(/.*\//, "", name); sub(/\.yaml$/, "", name)
    printf "%s    {\"%s\", \"\"\n", open ? "    },\n" : "", name
    open = 1
}
{ gsub(/\\/, "\\\\"); gsub(/"/, "\\\""); printf "        \"%s\\n\"\n", $0 }
END { print (open ? "    }\n" : "") "};" }
