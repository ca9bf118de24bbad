"""Training: from a run directory's specification to a model version folder."""
