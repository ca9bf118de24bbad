import django.db.models.deletion
from django.db import migrations, models

# Places that earlier freezes drew. The checks are made at once: a table with waiting ones cannot be altered.
MOVE = """
INSERT INTO curation_place (pair_id, task_id, "group", position, pinned)
    SELECT id, task_id, "group", position, '' FROM curation_pair WHERE position IS NOT NULL AND "group" <> '';
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('curation', '0003_what_pages_ask'),
    ]

    operations = [
        migrations.CreateModel(
            name='Likeness',
            fields=[
                ('revision', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='likeness', serialize=False, to='curation.revision')),
                ('instruction', models.BigIntegerField()),
                ('input', models.BigIntegerField()),
                ('whole', models.BigIntegerField()),
                ('prompt', models.BigIntegerField()),
                ('response', models.BigIntegerField()),
                ('prompt_sketch', models.BinaryField(default=b'')),
                ('response_sketch', models.BinaryField(default=b'')),
                ('sketched', models.BooleanField(default=False)),
                ('compared', models.BooleanField(default=False)),
                ('task', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='curation.task')),
            ],
        ),
        migrations.CreateModel(
            name='LikenessBasis',
            fields=[
                ('task', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to='curation.task')),
                ('edition', models.PositiveSmallIntegerField()),
                ('revisions', models.PositiveIntegerField()),
                ('prompt_common', models.BinaryField(default=b'')),
                ('response_common', models.BinaryField(default=b'')),
                ('made_at', models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.CreateModel(
            name='NearText',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('prompt', 'Question'), ('response', 'Answer')], max_length=8)),
                ('one', models.BigIntegerField()),
                ('other', models.BigIntegerField()),
                ('similarity', models.FloatField()),
                ('task', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='curation.task')),
            ],
        ),
        migrations.CreateModel(
            name='Place',
            fields=[
                ('pair', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='place', serialize=False, to='curation.pair')),
                ('group', models.CharField(max_length=64)),
                ('position', models.FloatField()),
                ('pinned', models.CharField(blank=True, max_length=8)),
                ('task', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='curation.task')),
            ],
        ),
        migrations.AddIndex(
            model_name='likeness',
            index=models.Index(fields=['task', 'prompt'], name='likeness_by_prompt'),
        ),
        migrations.AddIndex(
            model_name='likeness',
            index=models.Index(condition=models.Q(('response', 0), _negated=True), fields=['task', 'response'], name='likeness_by_response'),
        ),
        migrations.AddIndex(
            model_name='likeness',
            index=models.Index(condition=models.Q(('compared', False)), fields=['task', 'revision'], name='likeness_open'),
        ),
        migrations.AddIndex(
            model_name='neartext',
            index=models.Index(fields=['task', 'kind', 'other'], name='near_text_by_other'),
        ),
        migrations.AddConstraint(
            model_name='neartext',
            constraint=models.UniqueConstraint(fields=('task', 'kind', 'one', 'other'), name='one_likeness_of_texts'),
        ),
        migrations.AddIndex(
            model_name='place',
            index=models.Index(fields=['task', 'group'], name='place_by_group'),
        ),
        migrations.RunSQL(MOVE, migrations.RunSQL.noop),
        migrations.RemoveIndex(
            model_name='pair',
            name='pair_by_group',
        ),
        migrations.RemoveField(
            model_name='pair',
            name='group',
        ),
        migrations.RemoveField(
            model_name='pair',
            name='position',
        ),
    ]
