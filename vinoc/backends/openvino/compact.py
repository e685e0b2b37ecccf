"""The same IR in fewer bytes: without what readers find elsewhere in it.

OpenVINO infers all shapes anew when it reads a model. Of the ports that a layer reads it takes the number alone: what
is in them follows from the edges. The shape of a constant is one of its attributes; that of an output is written where
it is another one than that of the layer's first input. What expands and rounds constants and values needs no name where
it is called like the layer, and no other names of the layers that it was made of; explicit padding is the default.
"""

from __future__ import annotations

import re

_PORT = re.compile(r'(<port id="\d+")[^\n]*?(?: />|>((?:\n\t+<dim>[^\n]*)*)\n\t+</port>)')
_ENDS = re.compile(r"<input>\n(.*?)</input>\n(\t*<output>\n.*?</output>)?", re.DOTALL)
_CONST = re.compile(r'type="Const".*?</layer>', re.DOTALL)
_NAMED = re.compile(r'name="([^"]*)" type="(?:Const|Convert|FakeQuantize)".*?</layer>', re.DOTALL)
_WEIGHTS = re.compile(r'name="([^"]*/weights(?:#\d+)?)" type="Multiply".*?</layer>', re.DOTALL)
_FUSED = re.compile(r'\n\t+<attribute name="fused_names" [^\n]*')
_EXPLICIT = re.compile(r'( type="(?:Group)?Convolution" [^\n]*\n\t+<data [^\n]*) auto_pad="explicit"')
_DATA = re.compile(r"<data [^\n]*")
_DIMS = re.compile(r">(?:\n\t+<dim>[^\n]*)+\n\t+</port>")
_BREAK = re.compile(r"\n\t*(?!\t*<(?:layer |edge |net |rt_info>\n\t\t<|/?layers>|/?edges>|/net>))")


def compact(xml: str) -> str:
    """Text of the writer: a layer and an edge a line, without indentation; ports without what follows.

    Values of attributes hold no tabs, line breaks and brackets, which are escaped.
    """
    xml = _CONST.sub(lambda found: _DIMS.sub(" />", found[0]), xml)
    for named in (_NAMED, _WEIGHTS):
        xml = named.sub(lambda found: found[0].replace(f' names="{found[1]}"', ""), xml)
    xml = re.sub(r"\n\t+<rt_info>\n\t+</rt_info>", "", _FUSED.sub("", xml))
    xml = _EXPLICIT.sub(r"\1", _DATA.sub(_data, xml))
    xml = _ENDS.sub(_ends, xml)
    xml = re.sub(r"\n\t+<data />", "", xml.replace(' auto_broadcast="numpy"', ""))
    return re.sub(r"\n\t+", "\n", _BREAK.sub("", xml)).replace(" />", "/>")


def _data(found: re.Match[str]) -> str:
    """Attributes: lists of numbers without blanks."""
    return re.sub(r'"[-\d]+(?:, [-\d]+)+"', lambda numbers: numbers[0].replace(" ", ""), found[0])


def _ends(found: re.Match[str]) -> str:
    """Inputs by their numbers; outputs without the shape of the first input."""
    first = _PORT.search(found[1])
    shape = first[2] if first else None
    numbers = _PORT.sub(lambda port: f"{port[1]} />", found[1])
    inputs = f"<input>\n{numbers}</input>\n"
    if not found[2]:
        return inputs

    def kept(port: re.Match[str]) -> str:
        return _DIMS.sub(" />", port[0]) if port[2] and port[2] == shape else port[0]

    return inputs + _PORT.sub(kept, found[2])
