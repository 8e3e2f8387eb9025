"""A believable world of a given size, written by a few SQL statements on PostgreSQL: what months of work leave behind.

Of every hundred cases 86 are closed, 10 wait for a person, 2 are decided and held back by a grace period, 2 were withdrawn. A quarter of
the closed ones went over a person's desk. Every case has a prediction, its audit events, and, where decided, an effect.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any

from django.contrib.auth.models import User
from django.db import connection

from cases.models import Case, CaseType
from cases.tokens import issue_token
from feedback.models import LabelledExample
from feedback.training import train
from hitl_project.demo.emails import WISHES, email
from review.models import Queue
from tests.factories import make_case_type, make_endpoint, make_queue, make_user

REVIEWERS = 8
TYPES = ("support-email", "refund-request", "document-tag")
EXAMPLES = 3_000
TEXTS = 500
SCHEMA = {"type": "object", "required": ["label"], "properties": {"label": {"enum": list(WISHES)}}}


def people() -> dict[str, str]:
    """The accounts of the benchmark, with a token each: sender, boss, reader-1 to reader-8."""
    roles = {"sender": "integration", "boss": "supervisor"}
    roles |= {f"reader-{number + 1}": "reviewer" for number in range(REVIEWERS)}
    users = {name: make_user(role, username=name) for name, role in roles.items()}
    make_user(username="root", is_staff=True, is_superuser=True)
    User.objects.filter(username__in=users).update(is_staff=True)
    return {name: issue_token(user, expires_days=1, actor="bench", origin="bench") for name, user in users.items()}


def organisation() -> None:
    """Three case types with their policies and queues; nothing leaves the house, because nobody listens."""
    make_queue("front-desk", groups=("reviewer",))
    experts = make_queue("experts", groups=("reviewer",), kind="expert")
    quality = make_queue("quality", groups=("supervisor",), kind="quality")
    rules = [
        {"reason": "low_confidence", "queue": experts},
        {"reason": "sample", "queue": quality},
        {"default": True, "queue": Queue.objects.get(key="front-desk")},
    ]
    endpoint = make_endpoint()
    for key in TYPES:
        action = {"backend": "webhook", "endpoint": endpoint.key}
        make_case_type(
            "exception_handler", key=key, rules=rules, output_schema=SCHEMA, classifier="local", action=action
        )


def teach() -> None:
    """Train the local model of the first case type on made-up e-mails."""
    rng, case_type = Random(11), CaseType.objects.get(key=TYPES[0])
    mails = [email(rng) for _ in range(EXAMPLES)]
    LabelledExample.objects.bulk_create(
        LabelledExample(
            case_type=case_type, source="bench", external_id=str(n), payload=mail.payload, output=mail.true_output
        )
        for n, mail in enumerate(mails)
    )
    train(case_type, actor="bench", origin="bench")


def payloads(count: int, *, seed: int) -> list[str]:
    """E-mails as JSON texts, mails of one kilobyte with what comes with them."""
    rng = Random(seed)
    return [json.dumps(email(rng).payload) for _ in range(count)]


def grow(size: int) -> None:
    """Fill up to ``size`` cases."""
    there = Case.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    values: dict[str, Any] = {
        "first": there + 1,
        "last": size,
        "texts": payloads(TEXTS, seed=3),
        "labels": list(WISHES),
    }
    if there < size:
        for statement in STATEMENTS:
            _run(statement, values)
        for table in TABLES:
            _run(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))", {})
    settle()


def settle() -> None:
    """Leave the tables as autovacuum would sooner or later."""
    connection.ensure_connection()
    for table in TABLES:
        _run(f"VACUUM ANALYZE {table}", {})


def _run(statement: str, values: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(statement.replace(" % ", " %% "), values)  # a remainder, not a parameter


TABLES = (
    "cases_case",
    "cases_prediction",
    "review_reviewtask",
    "review_decision",
    "cases_effect",
    "feedback_sample",
    "cases_auditevent",
)
# n counts the cases; `part` says what became of it: below 10 waiting, 10–11 held back, 12–13 withdrawn, the rest closed;
# a closed one whose number is a multiple of four went over a desk.
CASES = """
INSERT INTO cases_case (id, case_type_id, source, external_id, idempotency_key, sender_id, priority, requester, payload,
    context, metadata, salt, content_digest, state, version, attempts, lease_until, lease_token, label, confidence, reason,
    sampled, sample_probability, created_at, routed_at, due_at, decided_at, closed_at)
SELECT n, types[1 + n % 3], 'bench', 'world-' || n, '', sender, (ARRAY[2,2,2,1,3,2,0,2])[1 + n % 8], 'customer-' || n % 20000,
    (%(texts)s::text[])[1 + n % 500]::jsonb, '[]', '{}', md5('s' || n), md5('a' || n) || md5('b' || n),
    CASE WHEN part < 10 THEN 'in_review' WHEN part < 12 THEN 'decided' WHEN part < 14 THEN 'cancelled' ELSE 'closed' END,
    1, 0, CASE WHEN part BETWEEN 10 AND 11 THEN NULL ELSE at END, '', (%(labels)s::text[])[1 + n % 9],
    CASE WHEN desk THEN 0.4 + (n % 39) / 100.0 ELSE 0.8 + (n % 19) / 100.0 END,
    CASE WHEN desk THEN 'low_confidence' ELSE '' END, n % 20 = 0, 0.05, at, at + interval '2 seconds',
    CASE WHEN desk THEN at + interval '8 hours' END,
    CASE WHEN part BETWEEN 10 AND 11 OR part > 13 THEN at + interval '3 hours' END,
    CASE WHEN part > 13 THEN at + interval '3 hours 5 seconds' END
FROM (SELECT n, n % 100 AS part, (n % 100 < 10 OR n % 4 = 0) AS desk,
        now() - interval '60 days' * (1 - (n - %(first)s)::float / greatest(%(last)s - %(first)s, 1)) AS at,
        (SELECT id FROM auth_user WHERE username = 'sender') AS sender,
        (SELECT array_agg(id ORDER BY id) FROM cases_casetype) AS types
    FROM generate_series(%(first)s, %(last)s) AS n) AS rows
"""
PREDICTIONS = """
INSERT INTO cases_prediction (case_id, output, label, confidence, raw_confidence, rationale, evidence, alternatives,
    out_of_scope, suspicious, model, model_version, tokens, latency_ms, error, fields, created_at)
SELECT id, jsonb_build_object('label', label), label, confidence, confidence / 2, 'The words “parcel”, “late” speak most for it.',
    '[{"field": "payload.text", "start": 5, "end": 20, "weight": 0.4}]', '[{"label": "other", "confidence": 0.1}]',
    false, false, 'local', '1', '{}', 1, '', '{}', created_at FROM cases_case WHERE id BETWEEN %(first)s AND %(last)s
"""
TASKS = """
INSERT INTO review_reviewtask (case_id, case_type_id, language, label, hold_reason, planted, queue_id, policy_id, reason, note, trace, blind, priority, opened_at, due_at,
    assignee_id, claimed_at, lease_until, lease_token, closed_at, ending)
SELECT c.id, c.case_type_id, '', c.label, '', false, (SELECT id FROM review_queue WHERE key = CASE WHEN c.id % 3 = 0 THEN 'experts' ELSE 'front-desk' END), p.id, c.reason, '',
    '[{"need": "low_confidence", "result": true, "confidence": 0.5, "threshold": 0.8}]', false, c.priority, c.routed_at,
    c.due_at, CASE WHEN c.closed_at IS NOT NULL OR c.state = 'decided' THEN readers[1 + c.id % 8] END,
    c.decided_at - interval '1 minute', c.routed_at, 1, c.decided_at,
    CASE c.state WHEN 'in_review' THEN '' ELSE 'decided' END
FROM cases_case c JOIN review_policy p ON p.case_type_id = c.case_type_id AND p.status = 'active',
    (SELECT array_agg(id ORDER BY id) AS readers FROM auth_user WHERE username LIKE 'reader-%%') AS r
WHERE c.id BETWEEN %(first)s AND %(last)s AND c.reason <> '' AND c.state IN ('in_review', 'closed', 'decided')
"""
DECISIONS = """
INSERT INTO review_decision (case_id, case_version, task_id, policy_id, prediction_id, outcome, output, label, override, shown,
    held, decided_by_id, reason, note, digest, active_seconds, decided_at)
SELECT c.id, 1, t.id, p.id, f.id, CASE WHEN t.id IS NOT NULL AND c.id % 7 = 0 THEN 'amend' ELSE 'approve' END, f.output, c.label,
    t.id IS NOT NULL AND c.id % 7 = 0, t.id IS NOT NULL, false, t.assignee_id, '', '', '', 5 + c.id % 60, c.decided_at
FROM cases_case c JOIN cases_prediction f ON f.case_id = c.id
    JOIN review_policy p ON p.case_type_id = c.case_type_id AND p.status = 'active'
    LEFT JOIN review_reviewtask t ON t.case_id = c.id
WHERE c.id BETWEEN %(first)s AND %(last)s AND c.decided_at IS NOT NULL
"""
EFFECTS = """
INSERT INTO cases_effect (case_id, case_version, event, action, endpoint_id, options, body, key, blocking, status, attempts,
    next_attempt_at, lease_token, last_error, created_at, delivered_at)
SELECT id, 1, 'case.decided', 'webhook', (SELECT min(id) FROM cases_webhookendpoint), '{}', jsonb_build_object('case', id),
    'case-' || id || '-v1-case.decided-crm', true, CASE state WHEN 'closed' THEN 'delivered' ELSE 'pending' END, 1,
    CASE state WHEN 'closed' THEN decided_at ELSE now() + interval '9 days' END, '', '', decided_at, closed_at
FROM cases_case WHERE id BETWEEN %(first)s AND %(last)s AND decided_at IS NOT NULL
"""
SAMPLES = """
INSERT INTO feedback_sample (case_id, decision_id, prediction_id, probability, automated, first_answer, final_answer, correct,
    read_by_id, active_seconds, read_at, uniform, released_because)
SELECT d.case_id, d.id, d.prediction_id, 0.05, d.task_id IS NULL, d.output, d.output, d.case_id % 30 <> 0,
    (SELECT id FROM auth_user WHERE username = 'boss'), 20, d.decided_at, true, ''
FROM review_decision d JOIN cases_case c ON c.id = d.case_id WHERE c.sampled AND c.id BETWEEN %(first)s AND %(last)s
"""
EVENTS = """
INSERT INTO cases_auditevent (at, action, actor, origin, case_id, object_type, request_id, data)
SELECT CASE action WHEN 'case.received' THEN c.created_at WHEN 'case.closed' THEN c.closed_at ELSE c.routed_at END, action,
    'pipeline', 'worker', c.id, '', '', '{"label": "billing", "confidence": 0.7}'
FROM cases_case c CROSS JOIN unnest(ARRAY['case.received', 'case.classified', 'case.in_review', 'case.closed']) AS action
WHERE c.id BETWEEN %(first)s AND %(last)s AND (action <> 'case.closed' OR c.state = 'closed')
ORDER BY c.id
"""
STATEMENTS = (CASES, PREDICTIONS, TASKS, DECISIONS, EFFECTS, SAMPLES, EVENTS)
