"""Cases with all that became of them, poured into PostgreSQL by the hundred thousand: base rows for the rollups to sum."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection

TYPES = {"bench-0": "exception_handler", "bench-1": "validator", "bench-2": "teacher"}
QUEUES = ("bench-desk", "bench-experts")
READERS = 8
# n counts the cases, evenly spread from {since} to {until}; one in ten goes to a person, who has decided nine in ten of
# those within twenty minutes; one in twenty is a sample of the coin, half of which are read.
CASES = """
INSERT INTO cases_case (id, case_type_id, source, external_id, idempotency_key, priority, requester, payload, context, metadata,
    salt, content_digest, state, version, attempts, lease_until, lease_token, label, confidence, reason, sampled,
    sample_probability, created_at, routed_at, decided_at, closed_at)
SELECT n, types[1 + n % 3], 'source-' || n % 5, '', '', n % 4, '', '{}', '[]', '{}', '', '0',
    CASE WHEN decided IS NULL THEN 'in_review' ELSE 'closed' END, 1, 0, NULL, '', 'label-' || n % 5, n % 100 / 100.0,
    CASE WHEN n % 10 = 0 THEN 'low_confidence' ELSE '' END, n % 20 = 1, 0.05, at, at, decided, decided
FROM (SELECT n, at, CASE WHEN n % 10 > 0 THEN at WHEN n % 100 > 0 THEN at + (n % 20) * interval '1 minute' END AS decided
    FROM (SELECT n, %(since)s::timestamptz + (%(until)s::timestamptz - %(since)s::timestamptz)
            * ((n - %(first)s)::float / (%(last)s - %(first)s + 1)) AS at
        FROM generate_series(%(first)s, %(last)s) AS n) AS spread) AS moments,
    (SELECT array_agg(id ORDER BY id) AS types FROM cases_casetype WHERE key LIKE 'bench-%%') AS t
"""
PREDICTIONS = """
INSERT INTO cases_prediction (case_id, output, label, confidence, rationale, evidence, alternatives, out_of_scope, suspicious,
    model, model_version, cost, tokens, latency_ms, error, fields, created_at)
SELECT id, '{}', label, confidence, '', '[]', '[]', false, false, 'local', (1 + id % 2)::text, 0.0001,
    '{"input": 100, "output": 9}', 5 + id % 500, '', '{}', created_at FROM cases_case WHERE id BETWEEN %(first)s AND %(last)s
"""
TASKS = """
INSERT INTO review_reviewtask (case_id, case_type_id, label, language, hold_reason, planted, queue_id, policy_id, reason, note, trace,
    blind, priority, opened_at, due_at, assignee_id, claimed_at, lease_until, lease_token, closed_at, ending)
SELECT c.id, c.case_type_id, c.label, '', '', false, queues[1 + c.id / 10 % 2], p.id, 'low_confidence', '', '[]', false, c.priority,
    c.routed_at, c.routed_at + interval '1 hour', CASE WHEN c.decided_at IS NOT NULL THEN readers[1 + c.id / 10 % 8] END,
    c.decided_at, c.routed_at, 1, c.decided_at, CASE WHEN c.decided_at IS NULL THEN '' ELSE 'decided' END
FROM cases_case c JOIN review_policy p ON p.case_type_id = c.case_type_id,
    (SELECT array_agg(id ORDER BY id) AS queues FROM review_queue WHERE key LIKE 'bench-%%') AS q,
    (SELECT array_agg(id ORDER BY id) AS readers FROM auth_user WHERE username LIKE 'reader-%%') AS r
WHERE c.id BETWEEN %(first)s AND %(last)s AND c.reason <> ''
"""
DECISIONS = """
INSERT INTO review_decision (case_id, case_version, task_id, policy_id, prediction_id, outcome, output, label, override, shown,
    held, decided_by_id, reason, note, digest, active_seconds, decided_at)
SELECT c.id, 1, t.id, p.id, f.id, 'approve', '{}', c.label, t.id IS NOT NULL AND c.id % 70 = 0, t.id IS NOT NULL, false,
    t.assignee_id, '', '', '', CASE WHEN t.id IS NOT NULL THEN 5 + c.id % 600 / 10.0 END, c.decided_at
FROM cases_case c JOIN cases_prediction f ON f.case_id = c.id JOIN review_policy p ON p.case_type_id = c.case_type_id
    LEFT JOIN review_reviewtask t ON t.case_id = c.id
WHERE c.id BETWEEN %(first)s AND %(last)s AND c.decided_at IS NOT NULL
"""
SAMPLES = """
INSERT INTO feedback_sample (case_id, decision_id, prediction_id, probability, automated, first_answer, final_answer, correct,
    read_by_id, active_seconds, read_at, uniform, released_because)
SELECT d.case_id, d.id, d.prediction_id, 0.05, true, '{}', '{"label": "label-1"}', d.case_id % 30 <> 1,
    (SELECT min(id) FROM auth_user WHERE username LIKE 'reader-%%'), 20, d.decided_at, true, ''
FROM review_decision d WHERE d.case_id BETWEEN %(first)s AND %(last)s AND d.case_id % 40 = 1
"""
EVENTS = """
INSERT INTO cases_auditevent (at, action, actor, origin, case_id, object_type, request_id, data)
SELECT c.created_at, action, 'pipeline', 'worker', c.id, '', '', '{}'
FROM cases_case c CROSS JOIN unnest(CASE WHEN c.reason = ''
    THEN ARRAY['case.received', 'case.classified', 'case.decided', 'effect.delivered', 'case.closed']
    ELSE ARRAY['case.received', 'case.classified', 'case.in_review', 'task.claimed', 'decision.made', 'case.closed'] END) AS action
WHERE c.id BETWEEN %(first)s AND %(last)s ORDER BY c.id
"""
STATEMENTS = (CASES, PREDICTIONS, TASKS, DECISIONS, SAMPLES)
TABLES = (
    "cases_case",
    "cases_prediction",
    "review_reviewtask",
    "review_decision",
    "feedback_sample",
    "cases_auditevent",
)


def organisation() -> None:
    """Case types with their policies, queues and readers."""
    from django.contrib.auth.models import User

    from cases.models import CaseType
    from review.models import Policy, Queue

    for key, mode in TYPES.items():
        named = {"name": key, "output_schema": {}, "impact": ["internal"]}
        kind, made = CaseType.objects.get_or_create(key=key, defaults=named)
        if made:
            Policy.objects.create(case_type=kind, number=1, status="active", mode=mode, sample_rate=0.05)
    for key in QUEUES:
        Queue.objects.get_or_create(key=key, defaults={"name": key})
    for number in range(READERS):
        User.objects.get_or_create(username=f"reader-{number}")


def pour(count: int, *, since: datetime, until: datetime, events: bool = False) -> None:
    """More cases, spread evenly over a time."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SELECT coalesce(max(id), 0) FROM cases_case")
        first = cursor.fetchone()[0] + 1
        values: dict[str, Any] = {"first": first, "last": first + count - 1, "since": since, "until": until}
        for statement in (*STATEMENTS, EVENTS) if events else STATEMENTS:
            cursor.execute(statement.replace(" % ", " %% "), values)  # a remainder, not a parameter


def settle() -> None:
    """Leave the tables as autovacuum would sooner or later."""
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"VACUUM ANALYZE {table}")
