"""The back office of alerts: what was raised, what is watched, and whom it is told."""

from metrics.admin import alerts, channels, rules

__all__ = ["alerts", "channels", "rules"]
