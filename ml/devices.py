"""What this machine can train on, found out without torch, for those who must not import it."""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path

_GPU = re.compile(r"nvidia(\d+)")


def gpus(devices: Path = Path("/dev")) -> list[str]:
    """Numbers of the GPUs that a training may use, as CUDA_VISIBLE_DEVICES names them; empty for processor alone."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [name.strip() for name in chosen.split(",") if name.strip() not in ("", "-1")]
    found = (_GPU.fullmatch(path.name) for path in devices.glob("nvidia*"))
    return sorted((match.group(1) for match in found if match), key=int)


def can_squeeze() -> bool:
    """Whether weights can be kept in 4 bits (QLoRA): a GPU and the package bitsandbytes are there."""
    return bool(gpus()) and importlib.util.find_spec("bitsandbytes") is not None
