from training.models.bases import BaseModel
from training.models.runs import Audit, ModelVersion, Run, RunEvent

__all__ = ["Audit", "BaseModel", "ModelVersion", "Run", "RunEvent"]
