from django.db import migrations

# The log stays append-only but for one change: an erasure may make what a line says about a text empty. Who did what to
# which object, and when, stays as it was.
RULE = """
CREATE OR REPLACE FUNCTION core_event_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('apprentice.erasing', true) = 'on'
        AND NEW.summary = '' AND NEW.data = '{"erased": true}'::jsonb
        AND (NEW.id, NEW.at, NEW.action, NEW.object_type, NEW.object_id)
            IS NOT DISTINCT FROM (OLD.id, OLD.at, OLD.action, OLD.object_type, OLD.object_id)
        AND (NEW.actor_id, NEW.project_id) IS NOT DISTINCT FROM (OLD.actor_id, OLD.project_id) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only';
END $$;
"""
BEFORE = """
CREATE OR REPLACE FUNCTION core_event_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0005_queue_planning")]

    operations = [migrations.RunSQL(RULE, BEFORE)]
