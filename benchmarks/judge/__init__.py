"""Parts of benchmarks/quantization.py: tasks, metrics, and what runs models in processes of their own."""
