"""Damage to text, word by word: graphs in text form, pipelines. Every function draws from the Random it is given."""

from __future__ import annotations

import re
from random import Random

TOKEN = re.compile(r'\w+|"[^"]*"|\s+|.', re.DOTALL)
GRAPH_WORDS = (
    "0", "-1", "1", str(1 << 31), str(1 << 62), "9" * 5000, "f32", "i64", "string", "u4", "c64", "seq<", "optional<",
    ">", "[", "]", "{", "}", "(", ")", "?", "...", "..", "N", "//", "%", "=", '"', "\\", '"\\x"', '"\\u12"', "graph",
    "Constant", "If", "Loop", "nan", "inf", "true", "none", "splat(1)", "random(1)", "bin[0:4]", "#", "@", "::",
    "with", "as", "where N in 0..5", "min(N,2)", "-", "+", "*", "1e400", "1.5", "\0", "\ud800", "ü", "_", ",", ":",
)  # fmt: skip
PIPELINE_WORDS = (
    "fuse", "fold", "dce", "cse", "fp16", "dropout", ",", "(", ")", "*", "{", "}", "=", "1", "0", "-1", "9" * 5000,
    "1.5", '"a"', '"', "\\", "[", "]", "none", "true", "x", "fusee", " ", "\n", "\0", "ü", "*2", "*0", "1e999", ";",
    "'", "}*",
)  # fmt: skip


def mutate_graph_text(text: str, r: Random) -> str:
    """The text with one to three words gone, replaced or put in."""
    words = TOKEN.findall(text)
    for _ in range(r.choice((1, 1, 2, 3))):
        at, how = r.randrange(len(words)), r.randrange(5)
        if how == 0:
            del words[at]
        elif how == 1:
            words[at] = r.choice(GRAPH_WORDS)
        elif how == 2:
            words.insert(at, r.choice(GRAPH_WORDS))
        elif how == 3:
            words[at] = r.choice(words)
        else:
            del words[at : at + r.choice((3, 30, 300))]
        words = words or ["graph"]
    return "".join(words)


def pipeline_text(r: Random) -> str:
    """Words of pipelines in any order."""
    return "".join(r.choice(PIPELINE_WORDS) for _ in range(r.randrange(12)))
