from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("review", "0007_taken_away"),
    ]

    operations = [
        migrations.AlterField(
            model_name="notice",
            name="kind",
            field=models.CharField(
                choices=[
                    ("mention", "You were mentioned"),
                    ("help", "Somebody asks for help"),
                    ("handed_over", "A task was handed to you"),
                    ("taken_away", "A task was taken from you"),
                    ("sent_back", "A decision was sent back"),
                    ("urgent", "An urgent case came in"),
                    ("late", "A task is late"),
                    ("flag", "Planted errors were let pass"),
                ],
                max_length=12,
                verbose_name="kind",
            ),
        ),
    ]
