"""Charts, drawn without any library: as SVG, on a page of HTML that needs nothing else, or as PNG with Pillow."""
