"""A language model behind any OpenAI-compatible endpoint. It has no tools, and its answer is only ever a prediction."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from cases.classifiers import by_field, certainty, prompts
from cases.classifiers.base import Answer, Brief, ClassifierError, Question
from cases.classifiers.chat import REFUSED_KEY, AnswerError, Chat, Completion, Usage
from cases.classifiers.hostile import is_suspicious, spans_of
from cases.classifiers.strict_schema import without_nulls
from cases.outbound import Deadline, OutboundError
from cases.schemas import label_of, labels_of, problems

Prepared = tuple[Question, Sequence[prompts.Example]]
LONGEST_VERSION = 64
MILLION = Decimal(1_000_000)
ROUNDS = 4
MAX_RATIONALE, MAX_QUOTES, MAX_QUOTE = 2_000, 5, 1_000
SAMPLING_TEMPERATURE = 0.7
TOP = 5  # candidates asked for per token


@dataclass(frozen=True, slots=True)
class Reading:
    """One completion, read: an output that obeys the schema, and what the model said about it."""

    output: Mapping[str, Any]
    rationale: str
    quotes: list[str]
    completion: Completion


class LlmClassifier:
    """OPTIONS, with times in seconds:

    ``base_url``, ``api_key``, ``model`` name the endpoint. ``prompts`` is the dotted path of a function
    ``(case_type_key) -> Instructions``, asked once per batch. ``samples`` are drawn where no log-probabilities are offered.
    ``timeout`` is of one call, ``total_timeout`` of a question with its retries, ``batch_timeout`` of a whole batch, and
    must stay below the pipeline's lease. ``prices`` are US dollars per million tokens: ``{"input": "0.15", "output": "0.6"}``.
    ``extra`` goes into every request as it is; it may set another ``response_format``. ``batch_size`` is how many
    questions fit comfortably into one batch.
    """

    def __init__(
        self,
        *,
        base_url: str = "",
        api_key: str = "",
        model: str = "",
        prompts: str = "",
        samples: int = 3,
        concurrency: int = 8,
        timeout: float = 30,
        total_timeout: float = 60,
        batch_timeout: float = 100,
        retries: int = 2,
        max_tokens: int | None = 1_024,
        max_chars: int = 100_000,
        logprobs: bool = True,
        prices: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        self.chat = Chat(base_url=base_url, api_key=api_key, timeout=timeout, retries=retries)
        self.ready = bool(base_url and model)
        self.model = model
        self.instructions = prompts
        self.samples = max(samples, 1)
        self.concurrency = max(concurrency, 1)
        self.batch_size = self.concurrency * ROUNDS
        self.total_timeout = total_timeout
        self.batch_timeout = batch_timeout
        self.max_chars = max_chars
        self.settings: dict[str, Any] = {"model": model, "temperature": 0, **(extra or {})}
        self.settings |= {"max_tokens": max_tokens} if max_tokens else {}
        self.settings |= {"logprobs": True, "top_logprobs": TOP} if logprobs else {}
        self.prices = {name: Decimal(str(price)) for name, price in (prices or {}).items()}

    def classify(self, brief: Brief, questions: Sequence[Question]) -> list[Answer]:
        """Ask about all of them at once, at most ``concurrency`` at a time. Failures of single questions are answers."""
        return self.ask(brief, questions, self._at_work(brief))

    def ask(self, brief: Brief, questions: Sequence[Question], told: prompts.Instructions) -> list[Answer]:
        """The same with instructions that need not be at work. Raises: ClassifierError."""
        if not self.ready:
            raise ClassifierError(_("No language model is configured: set LLM_BASE_URL and LLM_MODEL."), permanent=True)
        # Examples may come from the database, whose connections belong to this thread.
        prepared = [(question, told.examples(question)) for question in questions]
        batch = Deadline(self.batch_timeout)
        with ThreadPoolExecutor(self.concurrency, thread_name_prefix="llm") as pool:
            results = list(pool.map(lambda each: self._guarded(brief, told, each, batch), prepared))
        failures = [result for result in results if isinstance(result, OutboundError)]
        _raise_if_broken(failures, asked=len(questions))
        answers = [_failed(result) if isinstance(result, OutboundError) else result for result in results]
        return [self._signed(answer, brief, told) for answer in answers]

    def _at_work(self, brief: Brief) -> prompts.Instructions:
        made: prompts.Instructions = (
            import_string(self.instructions)(brief.key) if self.instructions else prompts.Instructions()
        )
        return made

    def _guarded(
        self, brief: Brief, told: prompts.Instructions, prepared: Prepared, batch: Deadline
    ) -> Answer | OutboundError:
        """One question's answer; what went wrong on the way to the endpoint is returned, to be weighed with the others."""
        started, (question, examples) = time.monotonic(), prepared
        try:
            answer = self._answered(brief, told, question, examples, _within(batch, self.total_timeout))
        except OutboundError as error:
            return error
        except AnswerError as error:
            answer = self._priced(Answer(output=None, error=str(error)), error.usage)
        except Exception as error:  # noqa: BLE001 - one odd case must not take the batch with it
            answer = Answer(output=None, error=f"{type(error).__name__}: {error}"[:500])
        elapsed = round((time.monotonic() - started) * 1000)
        return replace(answer, suspicious=is_suspicious(question), latency_ms=elapsed)

    def _signed(self, answer: Answer, brief: Brief, told: prompts.Instructions) -> Answer:
        return replace(answer, model=answer.model or self.model, model_version=self._version(brief, told))

    def _version(self, brief: Brief, told: prompts.Instructions) -> str:
        """The number of the prompt, as in ``gpt-x/p3``; of the product's own wording its digest."""
        if told.number:
            number = f"/p{told.number}"
            return self.model[: LONGEST_VERSION - len(number)] + number
        return prompts.version(brief, self.settings | {"samples": self.samples})

    def _answered(
        self,
        brief: Brief,
        told: prompts.Instructions,
        question: Question,
        examples: Sequence[prompts.Example],
        deadline: Deadline,
    ) -> Answer:
        if len(prompts.text_of(question)) > self.max_chars:
            raise AnswerError(_("The case is longer than the %(n)d characters a model reads.") % {"n": self.max_chars})
        prompt = prompts.build(brief, question, examples, template=told.template)
        own = {key: value for key, value in told.settings.items() if key != "samples"}
        request = {"response_format": _format(prompt), **self.settings, **own, "messages": prompt.messages}
        first = read(self.chat.complete(request, deadline), brief)
        tokens = certainty.label_tokens(first.completion.text, first.completion.tokens, label_of(first.output))
        sure = certainty.probability(tokens)
        if sure is None:
            count = int(told.settings.get("samples", self.samples))
            return self._by_agreement(brief, question, request, first, samples=count, deadline=deadline)
        alternatives = certainty.token_alternatives(tokens, labels_of(brief.output_schema))
        answer = _answer(first, question, confidence=sure, raw=sure, alternatives=alternatives)
        fields = by_field.by_tokens(first.completion.text, first.completion.tokens, first.output)
        return self._priced(replace(answer, fields=fields), first.completion.usage)

    def _by_agreement(
        self,
        brief: Brief,
        question: Question,
        request: Mapping[str, Any],
        first: Reading,
        *,
        samples: int,
        deadline: Deadline,
    ) -> Answer:
        """Ask again, warmer, and see how often the model says the same. A sample that fails agrees with nobody."""
        readings, usage = [first], first.completion.usage
        for _sample in range(samples - 1):
            try:
                reading = read(self.chat.complete({**request, "temperature": SAMPLING_TEMPERATURE}, deadline), brief)
            except AnswerError as error:
                usage += error.usage
            except OutboundError:
                break
            else:
                usage += reading.completion.usage
                readings.append(reading)
        return self._priced(_agreed(readings, question, samples), usage)

    def _priced(self, answer: Answer, usage: Usage) -> Answer:
        tokens = {"input": usage.input, "output": usage.output}
        if not self.prices:
            return replace(answer, tokens=tokens)
        cost = sum((self.prices.get(kind, Decimal(0)) * count for kind, count in tokens.items()), Decimal(0)) / MILLION
        return replace(answer, tokens=tokens, cost=cost)


def read(completion: Completion, brief: Brief) -> Reading:
    """Take the envelope apart and check the output. Raises: AnswerError on invalid JSON or an answer beyond the schema."""
    try:
        content = json.loads(completion.text)
    except (ValueError, RecursionError):
        raise AnswerError(_("The model's answer is no JSON."), completion.usage) from None
    if not isinstance(content, dict) or not isinstance(content.get("output"), dict):
        raise AnswerError(_("The model's answer has no output."), completion.usage)
    found = problems(brief.output_schema, content["output"])
    output = content["output"] if not found else without_nulls(content["output"], brief.output_schema)
    if found := problems(brief.output_schema, output) if found else []:
        told = "; ".join(f"{path}: {message}" for path, message in found[:3])
        raise AnswerError(_("The answer is outside the schema: %(problems)s") % {"problems": told}, completion.usage)
    rationale, quotes = content.get("rationale"), content.get("quotes")
    return Reading(output, _text(rationale, MAX_RATIONALE), _quotes(quotes), completion)


def _quotes(quotes: Any) -> list[str]:
    told = [_text(quote, MAX_QUOTE) for quote in quotes] if isinstance(quotes, list) else []
    return list(dict.fromkeys(quote for quote in told if quote.strip()))[:MAX_QUOTES]


def _text(value: Any, limit: int) -> str:
    """A text that a database can keep, or an empty one."""
    return value[:limit].encode("utf-8", "replace").decode().replace("\x00", "") if isinstance(value, str) else ""


def _answer(
    reading: Reading, question: Question, *, confidence: float, raw: float, alternatives: Sequence[Mapping[str, Any]]
) -> Answer:
    return Answer(
        output=reading.output,
        confidence=confidence,
        raw_confidence=raw,
        label=label_of(reading.output),
        rationale=reading.rationale,
        evidence=spans_of(reading.quotes, question, reading.output),
        alternatives=alternatives,
        model=reading.completion.model,
    )


def _agreed(readings: Sequence[Reading], question: Question, asked: int) -> Answer:
    """The majority's answer. One sample alone agrees with nobody: confidence 0, and a person looks."""
    outputs = [reading.output for reading in readings]
    output, share, alternatives = certainty.agreement(outputs, asked)
    chosen = next(reading for reading in readings if reading.output is output)
    sure = certainty.tempered(share, asked) if asked > 1 else 0.0
    answer = _answer(chosen, question, confidence=sure, raw=share if asked > 1 else 0.0, alternatives=alternatives)
    return replace(answer, fields=by_field.by_agreement(output, outputs, asked))


def _format(prompt: prompts.Prompt) -> dict[str, Any]:
    schema = {"name": "answer", "schema": prompt.answer_schema, "strict": prompt.strict}
    return {"type": "json_schema", "json_schema": schema}


def _within(batch: Deadline, seconds: float) -> Deadline:
    return Deadline(min(seconds, batch.left()))


def _failed(error: OutboundError) -> Answer:
    return Answer(output=None, error=str(error))


def _raise_if_broken(failures: Sequence[OutboundError], *, asked: int) -> None:
    """A refused key or an unknown model is everybody's trouble; so is an endpoint that answered nobody."""
    for error in failures:
        if error.status in REFUSED_KEY:
            raise ClassifierError(str(error), permanent=True) from error
    if failures and len(failures) == asked and not any(error.permanent for error in failures):
        raise ClassifierError(str(failures[0])) from failures[0]
