"""The operations, a family a module; `index` tells which module to import for one."""
