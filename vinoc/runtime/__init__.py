"""The runtime: `Core`, models that run, devices, under OpenVINO's names.

`core` hands models to `devices`; `compiled` is a model on one, `request` its inferences, `queue` several requests.
`arguments`, `slots` and `results` are what goes into an inference and comes out, `engines` compute it. `reading` and
`converting` get models from files; `model`, `nodes`, `opsets` and `preprocess` build and change them. `tensor`,
`shapes`, `element`, `layout`, `vectors`, `ports` and `states` are types that programs see; `properties` and `words`
settings.

The classes are in `vinoc`; programs for older versions of OpenVINO look for them here.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    face = import_module("vinoc")
    if name in face.__all__:
        return getattr(face, name)
    raise AttributeError(f"module 'vinoc.runtime' has no attribute '{name}'")
