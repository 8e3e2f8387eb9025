"""The refusal of what was typed into a field."""


class Unreadable(ValueError):
    """What was typed is no value of its kind; the message tells what would be."""
