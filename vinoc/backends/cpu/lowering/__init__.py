"""From a graph of static shapes to a plan: which kernels compute it, and where its values lie.

`regions` says which nodes one kernel computes together: what follows a product (`epilogue`), elementwise nodes
(`chains`). Then `plan` asks the lowering of each node, which `index` finds by its kind; `forms` has decided which
values are channels-last, a `place` is where one lies. `conv_choice` and `integer_choice` choose the fastest form of a
convolution and of a quantized product. All other files are lowerings, a family each.
"""
