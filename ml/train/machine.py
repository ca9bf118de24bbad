"""What a training takes of the machine it runs on."""

from __future__ import annotations

import shutil
from pathlib import Path

import psutil
import torch


def memory_in_use() -> int:
    """Bytes held now: on a GPU the most that was ever held there, else this process' own memory."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return psutil.Process().memory_info().rss


def memory_at_most() -> int:
    """Bytes that a training may hold: of the GPU, else what this machine has free now, with what we hold already."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_properties(0).total_memory
    return psutil.virtual_memory().available + psutil.Process().memory_info().rss


def free_disk(folder: str | Path) -> int:
    """Bytes free where `folder` lies, or would lie."""
    place = Path(folder)
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free
