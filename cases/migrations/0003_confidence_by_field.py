from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0002_append_only_audit")]

    operations = [
        migrations.AddField(
            model_name="prediction",
            name="fields",
            field=models.JSONField(blank=True, default=dict, verbose_name="confidence by field"),
        ),
    ]
