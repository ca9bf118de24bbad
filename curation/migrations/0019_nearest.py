from django.db import migrations

# Approximate nearest neighbours (HNSW) by angle; a row that comes later goes into the graph at once.
MAKE = "CREATE INDEX embedding_by_vector ON curation_embedding USING hnsw (vector vector_cosine_ops)"


class Migration(migrations.Migration):
    dependencies = [("curation", "0018_writing_traces")]

    operations = [migrations.RunSQL(MAKE, "DROP INDEX embedding_by_vector")]
