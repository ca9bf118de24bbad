import curation.models.erasures
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# An erasure empties the reason of a review; the decision was made under the rules of its day and stays.
RULE = """
CREATE OR REPLACE FUNCTION curation_two_person_rule() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    writer bigint;
    came_from text;
    is_solo boolean;
BEGIN
    IF NEW.decision <> 'approve' OR TG_OP = 'UPDATE' AND (NEW.decision, NEW.basis, NEW.reviewer_id, NEW.revision_id)
        IS NOT DISTINCT FROM (OLD.decision, OLD.basis, OLD.reviewer_id, OLD.revision_id) THEN
        RETURN NEW;
    END IF;
    SELECT r.author_id, r.origin, p.solo INTO writer, came_from, is_solo
        FROM curation_revision r
        JOIN curation_pair c ON c.id = r.pair_id
        JOIN core_project p ON p.id = c.project_id
        WHERE r.id = NEW.revision_id;
    IF NEW.basis = 'second_person' AND (NEW.reviewer_id IS NULL OR NEW.reviewer_id = writer) THEN
        RAISE EXCEPTION 'two-person rule: the author of a text cannot approve it' USING ERRCODE = 'check_violation';
    ELSIF NEW.basis = 'solo' AND NOT is_solo THEN
        RAISE EXCEPTION 'two-person rule: this project is not solo' USING ERRCODE = 'check_violation';
    ELSIF NEW.basis = 'import' AND came_from <> 'imported' THEN
        RAISE EXCEPTION 'two-person rule: this text was not imported' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
"""
BEFORE = """
CREATE OR REPLACE FUNCTION curation_two_person_rule() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    writer bigint;
    came_from text;
    is_solo boolean;
BEGIN
    IF NEW.decision <> 'approve' THEN
        RETURN NEW;
    END IF;
    SELECT r.author_id, r.origin, p.solo INTO writer, came_from, is_solo
        FROM curation_revision r
        JOIN curation_pair c ON c.id = r.pair_id
        JOIN core_project p ON p.id = c.project_id
        WHERE r.id = NEW.revision_id;
    IF NEW.basis = 'second_person' AND (NEW.reviewer_id IS NULL OR NEW.reviewer_id = writer) THEN
        RAISE EXCEPTION 'two-person rule: the author of a text cannot approve it' USING ERRCODE = 'check_violation';
    ELSIF NEW.basis = 'solo' AND NOT is_solo THEN
        RAISE EXCEPTION 'two-person rule: this project is not solo' USING ERRCODE = 'check_violation';
    ELSIF NEW.basis = 'import' AND came_from <> 'imported' THEN
        RAISE EXCEPTION 'two-person rule: this text was not imported' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0006_erased_events'),
        ('curation', '0011_leaks'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='datasetversion',
            name='erased',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='revision',
            name='erased_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.CreateModel(
            name='Erasure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(default=curation.models.erasures.new_key, max_length=32, unique=True)),
                ('scope', models.CharField(choices=[('pair', 'One pair'), ('person', 'What one person wrote'), ('words', 'Pairs that contain certain words')], max_length=8)),
                ('reason', models.CharField(max_length=300, verbose_name='reason')),
                ('targets', models.JSONField(default=dict)),
                ('state', models.CharField(choices=[('waiting', 'Under way'), ('done', 'Erased'), ('failed', 'Failed')], default='waiting', max_length=8)),
                ('counts', models.JSONField(default=dict)),
                ('models_touched', models.JSONField(default=list)),
                ('error', models.TextField(blank=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('asked_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('job', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='core.job')),
                ('person', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='erasures', to='core.project')),
            ],
            options={
                'ordering': ('-id',),
            },
        ),
        migrations.RunSQL(RULE, BEFORE),
    ]
