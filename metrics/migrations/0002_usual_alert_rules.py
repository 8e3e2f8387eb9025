"""One rule of every kind, so that an installation watches itself from the first day. They belong to the operator from then on."""

from django.db import migrations

INFO, WARNING, CRITICAL = 1, 2, 3
RULES = (
    ("escalation-jump", "Escalation rate jumps", "escalation_jump", WARNING, "sequential"),
    ("resolution-doubled", "Resolution time doubles", "resolution_doubled", WARNING, "sequential"),
    ("queue-saturated", "Queue saturates", "queue_saturated", WARNING, "plain"),
    ("sla-about-to-breach", "SLA about to breach", "sla_about_to_breach", WARNING, "plain"),
    ("override-out-of-band", "Override rate out of its band", "override_out_of_band", INFO, "sequential"),
    ("automated-error", "Automated error above its promise", "automated_error_above_promise", CRITICAL, "sequential"),
    ("post-validation-rising", "Post-validation error rises", "post_validation_rising", WARNING, "sequential"),
    ("catch-rate-falling", "A reviewer's catch rate falls", "catch_rate_falling", WARNING, "sequential"),
    ("confidence-drift", "Confidence drifts", "confidence_drift", INFO, "plain"),
    ("classifier-failing", "Classifier failing", "classifier_failing", CRITICAL, "plain"),
    ("dead-effects", "Dead deliveries", "dead_effects", WARNING, "plain"),
    ("no-worker", "No worker alive", "no_worker", CRITICAL, "plain"),
    ("governor", "Governor: escalation above 20 %", "governor", WARNING, "plain"),
)


def install(apps, schema_editor):
    rule = apps.get_model("metrics", "AlertRule")
    for key, name, kind, severity, trigger in RULES:
        fields = {"name": name, "kind": kind, "severity": severity, "trigger": trigger}
        rule.objects.get_or_create(key=key, defaults=fields)


def remove(apps, schema_editor):
    """Going back drops the tables; nothing to do."""


class Migration(migrations.Migration):
    dependencies = [("metrics", "0001_tables")]
    operations = [migrations.RunPython(install, remove)]
