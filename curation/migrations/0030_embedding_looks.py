import django.db.models.deletion
from django.db import migrations, models

KEEP = """
    INSERT INTO curation_embeddinglook (embedding_id, revision_id, compared, suites_upto)
    SELECT pair_id, revision_id, compared, suites_upto FROM curation_embedding WHERE compared OR suites_upto > 0
"""
BACK = """
    UPDATE curation_embedding kept SET compared = look.compared, suites_upto = look.suites_upto
    FROM curation_embeddinglook look WHERE look.embedding_id = kept.pair_id AND look.revision_id = kept.revision_id
"""


class Migration(migrations.Migration):
    dependencies = [("curation", "0029_windows_of_drafts")]

    operations = [
        migrations.CreateModel(
            name="EmbeddingLook",
            fields=[
                (
                    "embedding",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="curation.embedding",
                    ),
                ),
                ("revision_id", models.BigIntegerField()),
                ("compared", models.BooleanField()),
                ("suites_upto", models.BigIntegerField()),
            ],
        ),
        migrations.RunSQL(KEEP, BACK),
        migrations.RemoveIndex(model_name="embedding", name="meaning_open"),
        migrations.RemoveField(model_name="embedding", name="compared"),
        migrations.RemoveField(model_name="embedding", name="suites_upto"),
        migrations.AlterField(
            model_name="embedding",
            name="task",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="curation.task"
            ),
        ),
        migrations.AddIndex(
            model_name="embedding",
            index=models.Index(fields=["task", "pair", "revision_id"], name="meaning_by_pair"),
        ),
    ]
