# The queues by what waits in them; the values stay.
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0013_account_notices")]

    operations = [
        migrations.AlterField(
            model_name="job",
            name="queue",
            field=models.CharField(
                choices=[
                    ("default", "imports, checks and freezes"),
                    ("generate", "answers of models"),
                    ("train", "trainings"),
                ],
                default="default",
                max_length=12,
            ),
        ),
    ]
