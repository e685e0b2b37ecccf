"""From a model file to files of a target: frontends, the driver, the command line."""
