"""The same IR in fewer bytes: without what readers find elsewhere in it.

OpenVINO infers all shapes anew when it reads a model: of the ports that a layer reads it takes the number alone, what
is in them follows from the edges. The shape of a constant is one of its attributes, and that of what Convert and
FakeQuantize give is that of what they read. What these give needs no name where it is called like the layer.
"""

from __future__ import annotations

import re

_INPUT = re.compile(r'(<port id="\d+")[^\n]*?(?: />|>(?:\n\t+<dim>[^\n]*)*\n\t+</port>)')
_INPUTS = re.compile(r"<input>.*?</input>", re.DOTALL)
_SAME = re.compile(r'name="([^"]*)" type="(?:Const|Convert|FakeQuantize)".*?</layer>', re.DOTALL)
_DIMS = re.compile(r">(?:\n\t+<dim>[^\n]*)+\n\t+</port>")
_BREAK = re.compile(r"\n\t*(?!\t*<(?:layer |edge |net |rt_info>\n\t\t<|/?layers>|/?edges>|/net>))")


def compact(xml: str) -> str:
    """Text of the writer: a layer and an edge a line, without indentation; ports without what follows.

    Element and attribute values hold neither tabs nor line breaks, which are escaped.
    """
    xml = _SAME.sub(lambda found: _DIMS.sub(" />", found[0]).replace(f' names="{found[1]}"', ""), xml)
    xml = _INPUTS.sub(lambda found: _INPUT.sub(r"\1 />", found[0]), xml)
    xml = re.sub(r"\n\t+<data />", "", xml.replace(' auto_broadcast="numpy"', ""))
    return re.sub(r"\n\t+", "\n", _BREAK.sub("", xml))
