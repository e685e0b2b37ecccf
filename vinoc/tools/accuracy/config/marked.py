"""YAML whose blocks know in which file and line each of their entries stands."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

from ....compiler.paths import read_text
from ....ir.errors import UsageError, VinocError
from ...extras import require
from ...marked import Map, Place, Seq
from ...problems import check

OPEN = object()
"""stands for a block that is not yet complete: one that contains itself meets it"""


def read_yaml(path: Path) -> Map:
    """The block that a file consists of. Raises a UsageError with all that is wrong with its form."""
    return parse_yaml(read_text(path), str(path))


def read_list(path: Path) -> Seq:
    """The list that a file consists of. Raises a UsageError with all that is wrong with its form."""
    made = _parsed(read_text(path), str(path))
    if not isinstance(made, Seq):
        raise UsageError("is no list", str(path), "- NAME on each line")
    return made


def parse_yaml(text: str, file: str) -> Map:
    """The block that a text consists of. Raises a UsageError with all that is wrong with its form."""
    made = _parsed(text, file)
    if not isinstance(made, Map):
        raise UsageError("is no block of names and values", file, "a configuration begins with `models:`")
    return made


def _parsed(text: str, file: str) -> Any:
    yaml = require("yaml", "accuracy", "a configuration in YAML")
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{file}:{mark.line + 1}" if mark else file
        raise UsageError(f"is no YAML: {getattr(error, 'problem', None) or error}", where) from error
    if node is None:
        raise UsageError("is empty", file)
    builder = _Builder(yaml, file)
    made = builder.built(node)
    check(builder.problems, file)
    return made


class _Builder:
    """Nodes of YAML become values; its safe constructor reads scalars and merges blocks (`<<`)."""

    def __init__(self, yaml: Any, file: str) -> None:
        self.yaml = yaml
        self.file = file
        self.constructor = yaml.SafeLoader("")
        self.problems: list[VinocError] = []
        self.done: dict[int, Any] = {}

    def place(self, node: Any) -> Place:
        return Place(self.file, node.start_mark.line + 1)

    def wrong(self, node: Any, what: str, help: str | None = None) -> None:
        self.problems.append(UsageError(what, str(self.place(node)), help))

    def built(self, node: Any) -> Any:
        known = self.done.get(id(node))
        if known is OPEN:
            self.wrong(node, "a block contains itself")
            return None
        if known is None:
            self.done[id(node)] = OPEN
            known = self.done[id(node)] = self.made(node)
        return known

    def made(self, node: Any) -> Any:
        if isinstance(node, self.yaml.MappingNode):
            return self.mapping(node)
        if isinstance(node, self.yaml.SequenceNode):
            items = [self.built(n) for n in node.value]
            return Seq(items, self.place(node), [self.place(n) for n in node.value])
        return self.scalar(node)

    def scalar(self, node: Any) -> Any:
        try:
            return self.constructor.construct_object(node)
        except (self.yaml.YAMLError, ValueError) as error:
            self.wrong(node, f"cannot be read: {getattr(error, 'problem', None) or error}")
            return None

    def mapping(self, node: Any) -> Map:
        self.refuse_doubles(node)
        try:
            self.constructor.flatten_mapping(node)
        except self.yaml.YAMLError as error:
            self.wrong(node, f"cannot be merged: {getattr(error, 'problem', error)}")
        items: dict[Any, Any] = {}
        places: dict[Any, Place] = {}
        for key_node, value_node in node.value:  # what is merged comes first, what stands here replaces it
            key = self.built(key_node)
            if not isinstance(key, Hashable):
                self.wrong(key_node, "a name is one word, not a list or a block")
                continue
            items[key] = self.built(value_node)
            places[key] = self.place(key_node)
        return Map(items, self.place(node), places)

    def refuse_doubles(self, node: Any) -> None:
        """YAML takes the last of two values of one name; who wrote two meant both."""
        seen: dict[str, str] = {}
        for key_node, _ in node.value:
            if not isinstance(key_node, self.yaml.ScalarNode) or key_node.tag == "tag:yaml.org,2002:merge":
                continue
            if key_node.value in seen:
                self.wrong(key_node, f"'{key_node.value}' stands twice in a block", f"first in {seen[key_node.value]}")
            seen.setdefault(key_node.value, f"line {key_node.start_mark.line + 1}")
