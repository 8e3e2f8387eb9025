"""How the lists of this app colour a status. The word always stands beside it."""

STATUS_KINDS = {"pending": "warning", "delivered": "ok", "dead": "danger", "cancelled": ""}
