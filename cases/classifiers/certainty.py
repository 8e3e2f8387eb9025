"""How sure a language model was: from the probabilities of its label's tokens, or from agreement with itself.

A confidence that the model writes about itself is never used.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

LABEL = re.compile(r'(?<!\\)"label"\s*:\s*')
MAX_ALTERNATIVES = 5

Token = Mapping[str, Any]
Alternative = dict[str, Any]


def label_tokens(text: str, tokens: Sequence[Token], label: str) -> list[Token]:
    """The tokens that spell the label's value in the answer's text; none where that cannot be told for certain."""
    span = _label_span(text, label)
    return tokens_between(text, tokens, span) if span else []


def tokens_between(text: str, tokens: Sequence[Token], span: tuple[int, int]) -> list[Token]:
    """The tokens of a stretch of the text, in characters; none where the tokens do not spell the text."""
    pieces = [_bytes(token) for token in tokens]
    if b"".join(pieces) != text.encode("utf-8", "replace"):
        return []
    start, end = (len(text[:place].encode("utf-8", "replace")) for place in span)
    found, at = [], 0
    for token, piece in zip(tokens, pieces, strict=True):
        if at < end and at + len(piece) > start:
            found.append(token)
        at += len(piece)
    return found


def probability(tokens: Sequence[Token]) -> float | None:
    """The probability of exactly these tokens in a row, or None where the endpoint did not say."""
    logs = [token.get("logprob") for token in tokens]
    if not logs or not all(_is_log(log) for log in logs):
        return None
    return math.exp(min(sum(log for log in logs if log is not None), 0.0))


def token_alternatives(tokens: Sequence[Token], labels: Sequence[str]) -> list[Alternative]:
    """What else the label could have been: the other candidates of its first token that begin exactly one label."""
    shares: Counter[str] = Counter()
    first = tokens[0].get("top_logprobs") if tokens else None
    for candidate in first if isinstance(first, list) else []:
        share = probability([candidate]) if isinstance(candidate, dict) else None
        start = str(candidate.get("token", "")).strip(' "') if isinstance(candidate, dict) else ""
        named = [label for label in labels if start and label.startswith(start)]
        if share is not None and len(named) == 1:
            shares[named[0]] += share  # type: ignore[assignment]
    return _listed(dict(shares))


def agreement(outputs: Sequence[Mapping[str, Any]], asked: int) -> tuple[Mapping[str, Any], float, list[Alternative]]:
    """The output that most samples gave, its share among all that were ``asked`` for, and the shares of the labels.

    Outputs agree when their labels do; without labels, when they are the same altogether.
    """
    votes = Counter(_vote(output) for output in outputs)
    winner, count = votes.most_common(1)[0]
    chosen = next(output for output in outputs if _vote(output) == winner)
    labels = Counter(output["label"] for output in outputs if isinstance(output.get("label"), str))
    return chosen, count / asked, _listed({label: count / asked for label, count in labels.items()})


def tempered(share: float, asked: int) -> float:
    """A share of few samples is a poor promise: by the rule of succession 3 of 3 are 0.8, 10 of 10 are 0.92."""
    return (share * asked + 1) / (asked + 2)


def _vote(output: Mapping[str, Any]) -> str:
    label = output.get("label")
    return json.dumps(label if isinstance(label, str) else output, sort_keys=True)


def _listed(shares: Mapping[str, float]) -> list[Alternative]:
    ordered = sorted(shares.items(), key=lambda item: (-item[1], item[0]))[:MAX_ALTERNATIVES]
    return [{"label": label, "confidence": round(min(share, 1.0), 6)} for label, share in ordered]


def _label_span(text: str, label: str) -> tuple[int, int] | None:
    """Where the label's value stands, without its quotation marks. The output comes last, so the last match counts."""
    for match in reversed(list(LABEL.finditer(text))):
        try:
            value, end = json.JSONDecoder().raw_decode(text, match.end())
        except ValueError:
            continue
        if value == label:
            return match.end() + 1, end - 1
    return None


def _bytes(token: Token) -> bytes:
    """A token's bytes; its text alone cannot hold half a character."""
    raw = token.get("bytes")
    if isinstance(raw, list) and all(isinstance(byte, int) and 0 <= byte <= 255 for byte in raw):  # noqa: PLR2004
        return bytes(raw)
    return str(token.get("token", "")).encode("utf-8", "replace")


def _is_log(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)
