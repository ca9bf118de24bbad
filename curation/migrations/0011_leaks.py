import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('curation', '0010_health'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='datasetversion',
            name='leaks',
            field=models.CharField(choices=[('exclude', 'Leave such pairs out and list them'), ('block', 'Do not freeze while there are any')], default='exclude', max_length=8),
        ),
        migrations.AddField(
            model_name='likeness',
            name='suites_upto',
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='versionleftout',
            name='item',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='curation.suiteitem'),
        ),
        migrations.AddField(
            model_name='versionleftout',
            name='revision',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='curation.revision'),
        ),
        migrations.AlterField(
            model_name='versionleftout',
            name='reason',
            field=models.CharField(choices=[('bridge', 'Would connect a train group with a test group'), ('leak', 'Gives a test item away'), ('finding', 'Has a blocking finding')], max_length=10),
        ),
        migrations.CreateModel(
            name='Spent',
            fields=[
                ('pair', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='spent', serialize=False, to='curation.pair')),
                ('reason', models.CharField(max_length=300)),
                ('spent_at', models.DateTimeField(auto_now_add=True)),
                ('because', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='curation.pair')),
                ('spent_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('task', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='spent', to='curation.task')),
            ],
        ),
        migrations.CreateModel(
            name='Leak',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('fingerprint', models.CharField(max_length=64)),
                ('method', models.CharField(choices=[('exact', 'The same text'), ('near', 'Nearly the same text'), ('grams', 'Contains its word sequences')], max_length=8)),
                ('field', models.CharField(choices=[('prompt', 'Question'), ('response', 'Answer')], max_length=8)),
                ('score', models.FloatField()),
                ('revision', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='curation.revision')),
                ('task', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='curation.task')),
            ],
            options={
                'indexes': [models.Index(fields=['task', 'fingerprint'], name='leak_by_item')],
                'constraints': [models.UniqueConstraint(fields=('revision', 'fingerprint'), name='one_leak_per_text')],
            },
        ),
    ]
