"""Configurations: Accuracy Checker's YAML, read, merged with definitions, checked."""
