# A line in an inbox may be about a person's account, and then belongs to no project.
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0012_mail_servers")]

    operations = [
        migrations.AlterField(
            model_name="notice",
            name="project",
            field=models.ForeignKey(
                null=True, on_delete=models.deletion.CASCADE, related_name="+", to="core.project"
            ),
        ),
        migrations.AlterField(
            model_name="notice",
            name="kind",
            field=models.CharField(
                choices=[
                    ("returned", "Returned to you"),
                    ("assigned", "Assigned to you"),
                    ("mentioned", "You were mentioned"),
                    ("answered", "Somebody answered"),
                    ("guidelines", "The guidelines changed"),
                    ("speeds", "Measuring of times changed"),
                    ("run", "A training ended"),
                    ("factor", "Your second factor was removed"),
                ],
                max_length=12,
            ),
        ),
    ]
