from django.urls import URLPattern, URLResolver, path

from metrics.api import alert_views, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("metrics/", views.MetricsView.as_view(), name="metrics"),
    path("alerts/", alert_views.Alerts.as_view(), name="alerts"),
    path("alerts/<int:pk>/", alert_views.One.as_view(), name="alert"),
    path("alerts/<int:pk>/acknowledge/", alert_views.Acknowledge.as_view(), name="alert-acknowledge"),
    path("alerts/<int:pk>/snooze/", alert_views.Snooze.as_view(), name="alert-snooze"),
    path("alerts/<int:pk>/resolve/", alert_views.Resolve.as_view(), name="alert-resolve"),
]
