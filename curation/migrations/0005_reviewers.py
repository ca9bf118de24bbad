from django.db import migrations, models

# Two reviewers are two people: a project that asks for them lets no pair be approved on the word of one.
RULE = """
CREATE FUNCTION curation_enough_reviewers() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wanted smallint;
    given bigint;
    settled boolean;
BEGIN
    SELECT reviewers INTO wanted FROM core_project WHERE id = NEW.project_id;
    IF wanted < 2 THEN
        RETURN NEW;
    END IF;
    SELECT count(DISTINCT reviewer_id), coalesce(bool_or(adjudicated OR basis <> 'second_person'), false)
        INTO given, settled
        FROM curation_review WHERE revision_id = NEW.approved_id AND decision = 'approve';
    IF given < wanted AND NOT settled THEN
        RAISE EXCEPTION 'this project asks for % reviewers', wanted USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER curation_enough_reviewers BEFORE UPDATE OF approved_id ON curation_pair FOR EACH ROW
    WHEN (NEW.approved_id IS NOT NULL AND NEW.approved_id IS DISTINCT FROM OLD.approved_id)
    EXECUTE FUNCTION curation_enough_reviewers();
"""
DROP = """
DROP TRIGGER curation_enough_reviewers ON curation_pair;
DROP FUNCTION curation_enough_reviewers();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('curation', '0004_likeness'),
        ('core', '0004_work_rules'),
    ]

    operations = [
        migrations.AddField(
            model_name='review',
            name='adjudicated',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AlterField(
            model_name='review',
            name='decision',
            field=models.CharField(choices=[('approve', 'Approve'), ('return', 'Return'), ('escalate', 'Escalate')], max_length=8),
        ),
        migrations.RunSQL(RULE, DROP),
    ]
