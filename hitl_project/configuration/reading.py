"""YAML into plain values, each with the line it stands on. Bounded, without tags, objects or names given twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml
from django.utils.translation import gettext as _

MAX_BYTES = 1024 * 1024
MAX_NODES = 100_000  # after following aliases, which multiply
MAX_DEPTH = 40
PLAIN = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null")}
AS_TEXT = "tag:yaml.org,2002:timestamp"


class Problem(NamedTuple):
    """What is wrong in the file: the line (0 where there is none), the field as a path, and what to do."""

    line: int
    path: str
    message: str

    def __str__(self) -> str:
        return ": ".join(
            [*([f"line {self.line}"] if self.line else []), *([self.path] if self.path else []), self.message]
        )


class ConfigurationError(Exception):
    """The file cannot be applied; nothing was changed."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Document:
    """The values of a file and the lines they stand on, by path (``case_types[0].policy.mode``)."""

    values: Any
    lines: Mapping[str, int] = field(default_factory=dict)

    def problem(self, path: str, message: str) -> Problem:
        """A problem at a path, with the line of the nearest thing that the file does say."""
        place = path
        while place and place not in self.lines:
            place = place[: max(place.rfind("."), place.rfind("["), 0)]
        return Problem(self.lines.get(place, 1), path, message)


def read(text: bytes) -> Document:
    """Parse a file. Raises: ConfigurationError with line and field."""
    if len(text) > MAX_BYTES:
        raise ConfigurationError([Problem(0, "", _("The file is larger than %(limit)d bytes.") % {"limit": MAX_BYTES})])
    try:
        root = yaml.compose(text.decode("utf-8-sig"), Loader=yaml.SafeLoader)
    except UnicodeDecodeError:
        raise ConfigurationError([Problem(0, "", _("The file is not UTF-8."))]) from None
    except yaml.YAMLError as error:
        raise ConfigurationError([_syntax(error)]) from None
    except RecursionError:
        raise ConfigurationError([Problem(0, "", _("The file is nested too deeply."))]) from None
    if root is None:
        return Document({})
    builder = _Builder()
    values = builder.value(root, "", 0)
    if builder.problems:
        raise ConfigurationError(builder.problems)
    return Document(values, builder.lines)


def _syntax(error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None)
    message = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    return Problem(mark.line + 1 if mark else 0, "", _("This is no YAML: %(reason)s") % {"reason": message})


class _Builder:
    """Walks the nodes. It stops at the bounds, so an alias cannot multiply and a loop cannot run for ever."""

    def __init__(self) -> None:
        self.lines: dict[str, int] = {}
        self.problems: list[Problem] = []
        self.nodes = 0
        self.scalars = yaml.constructor.SafeConstructor()

    def value(self, node: yaml.Node, path: str, depth: int) -> Any:
        self.nodes += 1
        self.lines[path] = node.start_mark.line + 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            return self._stop(node, path)
        if isinstance(node, yaml.MappingNode):
            return {name: self.value(inner, _joined(path, name), depth + 1) for name, inner in self._pairs(node, path)}
        if isinstance(node, yaml.SequenceNode):
            return [self.value(inner, f"{path}[{index}]", depth + 1) for index, inner in enumerate(node.value)]
        return self._scalar(node, path)

    def _stop(self, node: yaml.Node, path: str) -> None:
        if not self.problems:
            self._refuse(node, path, _("The file is too large or nested too deeply once its aliases are followed."))

    def _refuse(self, node: yaml.Node, path: str, message: str) -> None:
        self.problems.append(Problem(node.start_mark.line + 1, path, message))

    def _pairs(self, node: yaml.MappingNode, path: str) -> Iterator[tuple[str, yaml.Node]]:
        seen: set[str] = set()
        for key, inner in node.value:
            if self.nodes > MAX_NODES:
                return
            if not isinstance(key, yaml.ScalarNode):
                self._refuse(key, path, _("A name must be a text."))
            elif key.value in seen:
                self._refuse(key, _joined(path, key.value), _("This name is given twice."))
            else:
                seen.add(key.value)
                yield self._clean(key, path), inner

    def _scalar(self, node: yaml.Node, path: str) -> Any:
        if node.tag == AS_TEXT:
            return self._clean(node, path)
        if node.tag not in PLAIN:
            return self._refuse(node, path, _("Tags are not used here: %(tag)s") % {"tag": node.tag})
        try:
            value = self.scalars.construct_object(node)
        except (ValueError, yaml.YAMLError):
            return self._refuse(node, path, _("This number cannot be read."))
        return self._clean(node, path) if isinstance(value, str) else value

    def _clean(self, node: yaml.Node, path: str) -> str:
        text = str(node.value)
        if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
            self._refuse(node, path, _("The text contains a character that cannot be stored."))
        return text


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
