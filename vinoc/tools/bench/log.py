"""The steps and what is said of them, in the form of OpenVINO's tools."""

from __future__ import annotations

STEPS = (
    "Parsing and validating input arguments",
    "Loading vinoc's runtime",
    "Setting device configuration",
    "Reading model files",
    "Resizing model to match image sizes and given batch",
    "Configuring input of the model",
    "Loading the model to the device",
    "Querying optimal runtime parameters",
    "Creating infer requests and preparing input tensors",
    "Measuring performance",
    "Dumping statistics report",
)


class Log:
    """Prints lines at once; a pipe shows them as they come."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.number = 0

    def step(self, more: str = "") -> None:
        """The next of the steps."""
        self.number += 1
        title = STEPS[self.number - 1] + (f" ({more})" if more else "")
        self.line(f"[Step {self.number}/{len(STEPS)}] {title}")

    def info(self, text: str = "") -> None:
        self.line(f"[ INFO ] {text}")

    def warn(self, text: str) -> None:
        self.line(f"[ WARNING ] {text}")

    def line(self, text: str) -> None:
        if not self.quiet:
            print(text, flush=True)
