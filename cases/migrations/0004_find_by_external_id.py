from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0003_confidence_by_field")]

    operations = [
        migrations.AddIndex(
            model_name="case",
            index=models.Index(fields=["external_id"], name="case_by_external_id"),
        )
    ]
