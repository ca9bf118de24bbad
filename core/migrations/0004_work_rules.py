import django.contrib.postgres.fields
from django.db import migrations, models

# Whatever the code does, no more people hold or have done an item than it needs.
SLOTS = """
CREATE FUNCTION core_assignment_slot() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.slot >= (SELECT needed FROM core_workitem WHERE id = NEW.item_id) THEN
        RAISE EXCEPTION 'this work item needs no more people' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER core_assignment_slot BEFORE INSERT OR UPDATE OF slot ON core_assignment
    FOR EACH ROW EXECUTE FUNCTION core_assignment_slot();
"""
DROP_SLOTS = """
DROP TRIGGER core_assignment_slot ON core_assignment;
DROP FUNCTION core_assignment_slot();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0003_held_assignments'),
    ]

    operations = [
        migrations.AddField(
            model_name='project',
            name='reviewers',
            field=models.PositiveSmallIntegerField(choices=[(1, 'One person'), (2, 'Two people')], db_default=1, default=1, verbose_name='reviewers'),
        ),
        migrations.AddField(
            model_name='workitem',
            name='also_excluded',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), null=True, size=None),
        ),
        migrations.AlterField(
            model_name='workitem',
            name='kind',
            field=models.CharField(choices=[('write', 'Write'), ('correct', 'Correct'), ('decline', 'Say you don’t know'), ('review', 'Review'), ('adjudicate', 'Adjudicate'), ('grade', 'Grade'), ('compare', 'Compare')], max_length=12),
        ),
        migrations.RunSQL(SLOTS, DROP_SLOTS),
    ]
