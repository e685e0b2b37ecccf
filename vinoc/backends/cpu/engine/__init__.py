"""What runs plans.

An `image` is a plan as data, a `program` an image with addresses. `runner` generates the function that walks its table
of calls, on the threads of a `pool`. `islands` are nodes without a kernel; `stages` run graphs some of whose shapes are
known only while they run. `packer` runs kernels while a plan is made.
"""
