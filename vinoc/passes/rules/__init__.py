"""The rewrite rules, a family a file. Each rule is also a pass by its own name."""
