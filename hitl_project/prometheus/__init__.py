"""What Prometheus reads; docs/monitoring.md tells of it."""

from hitl_project.prometheus.page import Figures, exposition

__all__ = ["Figures", "exposition"]
