from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("feedback", "0005_run_leases")]

    operations = [
        migrations.CreateModel(
            name="SecondReadCursor",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("decision_id", models.BigIntegerField(default=0)),
            ],
            options={"default_permissions": ()},
        ),
    ]
