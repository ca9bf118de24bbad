from django.db import models


class Tokenizer(models.Model):
    """A tokenizer the web may meter tokens with: the folder of a registered model, known by its fingerprint.

    Training registers them; curation reads them without knowing training.
    """

    fingerprint = models.CharField(max_length=64, primary_key=True)
    name = models.CharField(max_length=120)
    folder = models.CharField(max_length=500)  # relative to the model store

    def __str__(self) -> str:
        return self.name
