import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('evaluation', '0004_estimate'),
    ]

    operations = [
        migrations.AddField(
            model_name='candidate',
            name='asking',
            field=models.CharField(blank=True, db_default='', max_length=64),
        ),
        migrations.AddField(
            model_name='output',
            name='asked',
            field=models.CharField(blank=True, db_default='', max_length=64),
        ),
        migrations.AddField(
            model_name='output',
            name='reused_from',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='evaluation.output'),
        ),
        migrations.AddIndex(
            model_name='output',
            index=models.Index(condition=models.Q(('asked', ''), _negated=True), fields=['asked'], name='outputs_by_question'),
        ),
    ]
