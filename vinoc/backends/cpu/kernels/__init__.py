"""Generated kernels, a family a file: `base` says what one is, `codegen` emits and compiles it, `lowering` calls it."""
