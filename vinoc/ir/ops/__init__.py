"""The operations, a family a module. Modules are imported where they are needed; `every` imports them all."""
