"""What runs the model of an evaluation: vinoc, onnxruntime, OpenVINO; and how samples become its inputs."""
