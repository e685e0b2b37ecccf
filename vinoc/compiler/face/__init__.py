"""The model's face, as the Model Optimizer's options describe it: where it begins, the shapes, types and layouts of its
inputs, what is done to them before the model proper.

`options` holds what was asked, `scan` and `spelling` read it, `names` finds tensors, `begin` decides what the frontend
is told, `plan` which passes run in front of all others.
"""
