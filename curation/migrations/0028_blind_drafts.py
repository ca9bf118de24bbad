"""Questions with a draft that nobody is to see are asked as all others are, not as something to be corrected."""

from django.db import migrations

ASKED = """
UPDATE core_workitem AS item SET kind = 'write'
FROM curation_modeldraft AS draft JOIN curation_drafting AS asking ON asking.id = draft.drafting_id
WHERE item.kind = 'correct' AND item.subject_type = 'question' AND item.subject_id = draft.question_id
  AND asking.blind AND draft.written_at IS NOT NULL
  AND NOT EXISTS (
    SELECT FROM core_workitem AS other
    WHERE other.kind = 'write' AND other.subject_type = item.subject_type AND other.subject_id = item.subject_id
      AND other.batch = item.batch AND other.state = 'open'
  )
"""


class Migration(migrations.Migration):
    dependencies = [
        ("curation", "0027_traces_of_answers"),
        ("core", "0001_initial"),
    ]

    operations = [migrations.RunSQL(ASKED, migrations.RunSQL.noop)]
