"""What stands in the way of assistive technology on an open page."""

from __future__ import annotations

from typing import Any

# Preloading would copy style sheets into the page, which our policy forbids; what passed is not wanted, and telling it
# takes half the time.
OPTIONS = {"preload": False, "resultTypes": ["violations"]}


def violations(page: Any, *, context: Any = None) -> list[tuple[str, list[Any]]]:
    """The rules of axe that are broken, each with the places; nothing is well."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, context=context, options=OPTIONS).response["violations"]
    return [(rule["id"], [node["target"] for node in rule["nodes"]][:3]) for rule in found]
