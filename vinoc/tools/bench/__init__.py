"""`vinoc bench`: how fast a model runs. The options, steps and reports are those of OpenVINO's benchmark_app."""
