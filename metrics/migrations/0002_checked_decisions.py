import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0001_tables"), ("metrics", "0001_tables")]

    operations = [
        migrations.CreateModel(
            name="CheckRollup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "span",
                    models.CharField(choices=[("hour", "hour"), ("day", "day")], max_length=4, verbose_name="span"),
                ),
                ("start", models.DateTimeField(verbose_name="start")),
                ("probability", models.FloatField(verbose_name="probability")),
                ("checked", models.PositiveIntegerField(default=0, verbose_name="checked")),
                ("wrong", models.PositiveIntegerField(default=0, verbose_name="found wrong")),
                (
                    "case_type",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="cases.casetype",
                        verbose_name="case type",
                    ),
                ),
            ],
            options={"default_permissions": ()},
        ),
        migrations.AddConstraint(
            model_name="checkrollup",
            constraint=models.UniqueConstraint(
                fields=("span", "start", "case_type", "probability"), name="check_rollup_once"
            ),
        ),
    ]
