"""Texts become a corpus: read, repaired, cleaned, freed of what stands there twice, and parted into train and held-out.

Neither torch nor transformers: `python -m ml corpus DIR` does it in a process of its own, stage by stage.
"""
