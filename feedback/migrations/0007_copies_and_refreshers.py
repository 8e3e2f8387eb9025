import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0002_append_only_audit"),
        ("feedback", "0006_second_reads_so_far"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="goldcase",
            options={"ordering": ["-id"], "verbose_name": "known case", "verbose_name_plural": "known cases"},
        ),
        migrations.AlterField(
            model_name="planting",
            name="gold",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="plantings",
                to="feedback.goldcase",
                verbose_name="known case",
            ),
        ),
        migrations.AddField(
            model_name="planting",
            name="copy",
            field=models.OneToOneField(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="planting",
                to="cases.case",
            ),
        ),
        migrations.AddField(
            model_name="planting",
            name="prediction_number",
            field=models.BigIntegerField(editable=False, help_text="What its answer goes by.", null=True),
        ),
        migrations.CreateModel(
            name="Refresher",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("size", models.PositiveSmallIntegerField(verbose_name="size")),
                (
                    "opened_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name="opened"),
                ),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended")),
                (
                    "ending",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("done", "all answered"),
                            ("no_more", "no known case was left"),
                            ("closed", "the flag was closed"),
                        ],
                        default="",
                        max_length=7,
                        verbose_name="ended as",
                    ),
                ),
                (
                    "flag",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="refresher",
                        to="feedback.flag",
                        verbose_name="flag",
                    ),
                ),
            ],
            options={
                "verbose_name": "refresher round",
                "verbose_name_plural": "refresher rounds",
                "ordering": ["-id"],
                "default_permissions": (),
            },
        ),
        migrations.AddField(
            model_name="planting",
            name="refresher",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="plantings",
                to="feedback.refresher",
                verbose_name="refresher round",
            ),
        ),
    ]
