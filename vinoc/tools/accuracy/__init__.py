"""What a model is worth on labelled data: readers, preprocessing, adapters, metrics, launchers, and a table."""
