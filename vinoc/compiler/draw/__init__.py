"""Pictures of graphs: a layered layout, SVG, and pages that hold them and need nothing else."""
