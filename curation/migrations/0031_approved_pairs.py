from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("curation", "0030_embedding_looks")]

    operations = [
        migrations.RemoveIndex(model_name="pair", name="pair_approved"),
        migrations.AddIndex(
            model_name="pair",
            index=models.Index(
                condition=models.Q(approved__isnull=False),
                fields=["task", "id"],
                include=["approved", "state"],
                name="pair_approved",
            ),
        ),
    ]
