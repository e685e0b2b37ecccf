"""What `evaluate` of operations needs beyond NumPy, a family a file, as `ops` has them.

Generated modules consist of copies of these sources, so they import NumPy alone.
"""
