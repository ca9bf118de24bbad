from django.db import migrations

# The rule that nobody approves their own text stands here, below every code path that could forget it.
RULE = """
CREATE FUNCTION curation_two_person_rule() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER curation_two_person_rule BEFORE INSERT OR UPDATE ON curation_review
    FOR EACH ROW EXECUTE FUNCTION curation_two_person_rule();
"""
DROP = """
DROP TRIGGER curation_two_person_rule ON curation_review;
DROP FUNCTION curation_two_person_rule();
"""


class Migration(migrations.Migration):
    dependencies = [("curation", "0001_initial")]

    operations = [migrations.RunSQL(RULE, DROP)]
