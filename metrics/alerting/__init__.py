"""Alerts: rules look at the rollups after each roll-up, and tell people when a figure leaves what it promises.

`shapes` is the one shape of every kind of alert, `kinds` are the pure functions, `sequential`, `exact` and `drift` the tests they
use, `reading` fetches what they look at, `watching` runs them, `acts` holds the verbs of people, `telling` what leaves.
"""
