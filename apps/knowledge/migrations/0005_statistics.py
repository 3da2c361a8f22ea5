from django.db import migrations

# A source is of one tenant and has vectors of one model. Who takes the three for independent expects a tenth of the passages that there
# are, and compares them all where an index is faster.
KNOW = """
    CREATE STATISTICS passage_of_source (dependencies) ON tenant_id, knowledge_id, embedder FROM knowledge_passage;
    ANALYZE knowledge_passage;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('knowledge', '0004_documents'),
    ]

    operations = [
        migrations.RunSQL(KNOW, "DROP STATISTICS passage_of_source", hints={"model_name": "passage"}),
    ]
