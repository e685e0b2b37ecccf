"""The small layer over llvmlite: targets, emitting vector code, compiling, the cache of object code."""
