#!/usr/bin/python3
"""Checks the pages: every link to a file and every #anchor resolves, files and tests that are named exist,
docs/README.md lists every page, README.md is short and has the two commands that continuous integration runs, word
for word.

Prints what is wrong with page and line, and "N passed, N failed" at the end.
"""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMMANDS = ("dotnet run -c Release --project src/DistTrainer.Cli -- train", "dotnet test -c Release")
MOST_WORDS = 1200
passed = 0
failed = 0


def check(holds, where, what):
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    if not holds:
        print(f"pages: {where}: {what}")


def files(ending):
    for folder, names, here in os.walk(ROOT):
        names[:] = [n for n in names if n not in ("bin", "obj", "TestResults") and not n.startswith(".")]
        yield from (os.path.relpath(os.path.join(folder, n), ROOT) for n in here if n.endswith(ending))


def text(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def prose(path):
    """The lines of a page by number, without those of code blocks."""
    fenced = False
    for number, line in enumerate(text(path).splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, line


def anchors(path):
    """As GitHub makes them of headings: lower case, no punctuation, hyphens for blanks, a number for doubles."""
    seen = {}
    for _, line in prose(path):
        if heading := re.match(r"#+ +(.*?) *#*$", line):
            title = re.sub(r"\[([^]]*)]\([^)]*\)", r"\1", heading[1])
            slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
            seen[slug] = seen.get(slug, -1) + 1
            yield slug if seen[slug] == 0 else f"{slug}-{seen[slug]}"


pages = sorted(files(".md"))
known = {page: set(anchors(page)) for page in pages}
linked = {page: set() for page in pages}
for page in pages:
    for number, line in prose(page):
        where = f"{page}:{number}"
        for target in re.findall(r"]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", line)):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            path = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
            linked[page].add(path)
            check(os.path.exists(os.path.join(ROOT, path)), where, f"{target}: there is no {path}")
            if anchor:
                check(anchor in known.get(path, ()), where, f"{target}: {path} has no heading #{anchor}")
        for path in re.findall(r"(?<![\w/.])(?:docs|src|tests|deploy|data)/[\w./-]*\w", re.sub(r"\w+://\S+", "", line)):
            check("/bin/" in path or os.path.exists(os.path.join(ROOT, path)), where, f"there is no {path}")

# Tests that pages name: `Class`, `Class.Method`, and `.Method` of the class before; … at the end stands for any rest.
code = {os.path.basename(path)[:-3]: text(path) for path in files(".cs") if path.startswith("tests")}
everything = "\n".join(code.values())
for page in pages:
    for number, line in prose(page):
        of = ""
        for name, method, rest in re.findall(r"`(\w*Tests)?(?:\.([A-Z]\w+_\w*))?(…?)`", line):
            of = name or of
            where = f"{page}:{number}"
            if name:
                check(name in code or f"class {name}" in everything, where, f"there is no class {name}")
            if method and of in code:
                test = rf"\b{method}" + ("" if rest else r"\(")
                check(re.search(test, code[of]), where, f"{of} has no test {method}")

for page in pages:
    if page.startswith("docs" + os.sep) and page != os.path.join("docs", "README.md"):
        check(page in linked[os.path.join("docs", "README.md")], "docs/README.md", f"does not list {page}")
words = len(text("README.md").split())
check(words <= MOST_WORDS, "README.md", f"has {words} words; at most {MOST_WORDS}")
for command in COMMANDS:
    check(f"\n```\n{command}\n```\n" in text("README.md"), "README.md", f"lacks the block: {command}")

print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
