from training.models.bases import BaseModel
from training.models.probes import OwnPreset, Probe
from training.models.runs import Audit, ModelVersion, Run, RunEvent

__all__ = ["Audit", "BaseModel", "ModelVersion", "OwnPreset", "Probe", "Run", "RunEvent"]
