from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('cases', '0002_append_only_audit'),
        ('review', '0002_turns_and_late_tasks'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name='reviewtask',
            index=models.Index(condition=models.Q(('closed_at__isnull', True)), fields=['due_at', 'id'], name='task_open_by_due'),
        ),
        migrations.AddIndex(
            model_name='reviewtask',
            index=models.Index(condition=models.Q(('closed_at__isnull', True)), fields=['queue', 'opened_at'], name='task_open_by_age'),
        ),
        migrations.AddIndex(
            model_name='reviewtask',
            index=models.Index(condition=models.Q(('closed_at__isnull', True)), fields=['queue', 'lease_until'], name='task_in_hands'),
        ),
        migrations.AddIndex(
            model_name='reviewtask',
            index=models.Index(condition=models.Q(('closed_at__isnull', True), models.Q(('hold_reason', ''), _negated=True)), fields=['queue'], name='task_held'),
        ),
    ]
