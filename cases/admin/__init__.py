"""The lists of the cases app. The case itself is shown by `review.admin.cases`, which knows who decided what."""

from cases.admin import accounts, audit, case_types, effects

__all__ = ["accounts", "audit", "case_types", "effects"]
