"""Configuration files of OpenVINO's Post-training Optimization Tool (POT)."""

from .config import Config, read_config
from .run import run_config

__all__ = ["Config", "read_config", "run_config"]
