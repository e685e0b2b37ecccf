"""Factories of nodes, opset by opset, with OpenVINO's names, argument orders and defaults.

`signatures` lists them; `factory` makes functions of the list, from the declarations of the operations in
`vinoc.ir.ops`; `module` is what the modules `vinoc.opset1` to `vinoc.opset16` consist of.
"""
