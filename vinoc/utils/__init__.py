"""What programs use beside the classes: nodes that take another's place."""

from ..runtime.nodes.replace import replace_node, replace_output_update_name

__all__ = ["replace_node", "replace_output_update_name"]
