"""Running models: `Core`, compiled models, requests. The face follows OpenVINO's Python API."""
