# What an invitation is known by, to whoever made it, while nobody has taken it up.
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0014_queue_words")]

    operations = [
        migrations.AddField(
            model_name="onetimelink",
            name="note",
            field=models.CharField(blank=True, db_default="", default="", max_length=120),
        ),
    ]
