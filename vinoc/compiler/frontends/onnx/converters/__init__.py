"""The converters, a family a module; `index` tells which module to import for an operator."""
