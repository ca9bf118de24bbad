import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0017_long_passwords"), ("curation", "0031_approved_pairs")]

    operations = [
        migrations.AddField(
            model_name="datasetversion",
            name="verification",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="core.job"
            ),
        ),
        migrations.AddField(
            model_name="datasetversion",
            name="verified_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="datasetversion",
            name="verified_changed",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="datasetversion",
            name="verified_same",
            field=models.BooleanField(null=True),
        ),
    ]
