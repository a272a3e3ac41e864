#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Counts what the classes of a C++ text declare: data members and methods.

Counted is what stands directly in a class: overloads and constructors one by one; every name of
`int a, b;`. Not counted: static data, what is defaulted or deleted, friends, aliases, and nested
types, which are classes of their own. The names in an unnamed struct or union belong to the class
around it. Reads text without comments and literals, and no preprocessor: both branches of an #if
count. Pure.
"""
import re

NOISE = re.compile(
    r"//[^\n]*|/\*.*?\*/"
    r'|R"([^()\s]*)\(.*?\)\1"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Za-z])'(?:\\.|[^'\\\n])+'",
    re.S,
)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
PAIRS = {"(": ")", "{": "}", "[": "]"}
TYPE = re.compile(r"(?:typedef\s+)?(?:class|struct|union)\b\s*([\w:]*)")
FORWARD = re.compile(r"(?:class|struct|union|enum(?:\s+(?:class|struct))?)\s+[\w:]+(?:\s*:\s*[\w:]+)?")
NEITHER = re.compile(r"(?:using|typedef|friend|static_assert|concept|public|private|protected)\b")
MACRO = re.compile(r"[A-Z][A-Z0-9_]+\s*\([^()]*\)\s*")
POINTER = re.compile(r"\(\s*(?:[\w:]+::)?[*&]\s*\w*\s*(?:\[[^\]]*\])?\)\s*[(\[]")


def plain(text):
    """The text without comments, literals and directives."""
    return DIRECTIVE.sub("", NOISE.sub(lambda m: '""' if m[0][0] in "\"'R" else " ", text))


def after_pair(text, at):
    """Behind the bracket that closes the one at `at`."""
    close, depth = PAIRS[text[at]], 0
    for end in range(at, len(text)):
        depth += (text[end] == text[at]) - (text[end] == close)
        if depth == 0:
            return end + 1
    return len(text)


def bare(head):
    """A declaration without attributes, template arguments and what only qualifies."""
    head = re.sub(r"\[\[.*?\]\]", " ", head.replace("->", " "))
    head = re.sub(r"\b(?:alignas|decltype|noexcept|explicit)\s*\((?:[^()]|\([^()]*\))*\)", " ", head)
    if not re.search(r"\boperator\b", head):
        before = None
        while before != head:
            before, head = head, re.sub(r"<[^<>;]*>", " ", head)
    head = re.sub(r"^\s*(?:template\b\s*)+", "", head)
    head = re.sub(r"^\s*requires\b.*?(?=\b(?:class|struct)\b)", "", head, flags=re.S)
    return MACRO.sub("", head.strip(), count=1) if MACRO.match(head.strip()) else head.strip()


def is_function(head):
    if re.search(r"\boperator\b", head):
        return True
    head = re.sub(r"\[[^\]]*\]", " ", head.split("=")[0])
    return "(" in head and not POINTER.search(head)


def begins_body(head, so_far):
    """Whether the brace after a function's head opens its body, not a member's initialiser."""
    initialisers = re.search(r"\)[^()?]*[^:]:(?!:)", head)
    return not initialisers or not re.search(r"[\w>]\s*$", so_far)


class shape:
    def __init__(self, name):
        self.name, self.members, self.methods = name, 0, 0

    def declare(self, head):
        """Counts a declaration that ends here."""
        head = bare(head)
        if not head or NEITHER.match(head) or FORWARD.fullmatch(head):
            return
        if is_function(head):
            self.methods += not re.search(r"=\s*(?:default|delete)\s*$", head)
        elif not re.match(r"(?:(?:inline|constexpr|mutable|thread_local)\s+)*static\b", head):
            names = re.sub(r"\([^()]*\)|\[[^\]]*\]", " ", head)
            self.members += 1 + names.count(",")


def read(text, at, into, found):
    """Reads a scope up to its end. `into`: the shape of the class it is, None in a namespace."""
    head = ""
    while at < len(text):
        char = text[at]
        if char in "([":
            end = after_pair(text, at)
            head += text[at:end]
            at = end
        elif char == "}":
            return at + 1
        elif char == ";":
            if into:
                into.declare(head)
            head, at = "", at + 1
        elif char == ":" and head.strip() in ("public", "private", "protected"):
            head, at = "", at + 1
        elif char == "{":
            kind = bare(head)
            named = TYPE.match(kind)
            if re.match(r"(?:inline\s+)?namespace\b|extern\s*\"\"$", kind):
                head, at = "", read(text, at + 1, None, found)
            elif named and "(" not in kind and "=" not in kind:
                nested = shape((into.name + "::" if into else "") + (named[1] or "(unnamed)"))
                at = read(text, at + 1, nested, found)
                declares = text[at : text.find(";", at)].strip()
                if into and not named[1] and not declares:
                    into.members += nested.members
                    into.methods += nested.methods
                else:
                    found.append(nested)
                head = "a " + declares if declares else ""
                at = text.find(";", at) if declares else at
            elif not kind or re.match(r"(?:typedef\s+)?enum\b", kind):
                head, at = "", after_pair(text, at)
            elif is_function(kind) and begins_body(kind, head):
                if into:
                    into.declare(head)
                head, at = "", after_pair(text, at)
            else:
                head, at = head + "{}", after_pair(text, at)
        else:
            head, at = head + char, at + 1
    return at


def shapes(text):
    """(name, data members, methods) of each class defined in the text outside of functions."""
    found = []
    read(plain(text), 0, None, found)
    return [(each.name, each.members, each.methods) for each in found]
