"""The kinds of alert: pure functions, no database, all of the shape of `metrics.alerting.shapes`."""
