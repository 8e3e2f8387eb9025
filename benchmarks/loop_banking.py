"""The loop on real texts, through a running stack: what retraining on people's decisions does to escalation and to the automated error.

    python -m benchmarks.loop_banking [--data FOLDER] [--seed N] [--wrong SHARE ...] [--batches N] [--out FILE] [--write]

The folder holds ``banking77_dev.csv`` (columns text and label). 300 random rows are imported as labelled examples and the first model is
trained; the rest streams in in batches of 500, in exception mode at 0.8. Scripted reviewers work off over the API whatever is escalated, and
the model is trained again after each batch (the command `train`, which puts a model to work only if it is better). Each ``--wrong`` is one
such run with reviewers who give another label than the right one that often. Last comes the same stream without retraining; nobody reads
anything there, since nothing is learnt from it. The automated error is counted with the truth, over the cases that policy decided.

Prints a table as Markdown; ends with 1 when a target is missed. With ``--write`` each run that is over goes into the figures, the chart
and the table of ``docs/learning-loop.md``; without any other option that is all of it.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import httpx2

from benchmarks import loop_page
from benchmarks.real_text import CASE_TYPE, DATA, Row, client_of, configure, import_rows, pages, read_rows
from tests.stacks import RunningStack

BEGIN, BATCH, REVIEWERS = 300, 500, 2
SETTLE_SECONDS = 1_800  # on a machine that does other work as well
MOST_ESCALATED, LEAST_GAP, MOST_WRONG = 0.30, 0.45, 0.045
CONTROL = "no retraining"
UNDER_WAY = {"received", "classified", "decided"}


@dataclass(frozen=True, slots=True)
class Step:
    """What became of one batch: how many came in, went to people, and were decided wrongly by policy; then the model."""

    came: int
    escalated: int
    automated_wrong: int
    seconds: float = 0.0
    model: str = ""

    @property
    def escalation(self) -> float:
        return self.escalated / self.came

    @property
    def error(self) -> float:
        return self.automated_wrong / max(self.came - self.escalated, 1)


@dataclass
class Stream:
    """One stack on which the whole stream runs; ``wrong`` is how often its reviewers are, None means nobody reads."""

    rows: list[Row]
    wrong: float | None
    seed: int
    batches: int
    truth: dict[str, str] = field(default_factory=dict)
    labels: list[str] = field(default_factory=list)

    def run(self) -> list[Step]:
        with tempfile.TemporaryDirectory() as folder:
            stack = RunningStack(Path(folder) / "data")
            try:
                return self._run(stack.start(), Path(folder))
            finally:
                stack.stop()

    def _run(self, stack: RunningStack, folder: Path) -> list[Step]:
        self.truth = {row["id"]: row["label"] for row in self.rows}
        self.labels = sorted(set(self.truth.values()))
        configure(stack, self.labels, folder)
        import_rows(stack, self.rows[:BEGIN], folder, "known", "--truth", "--label-column", "label")
        print(stack.manage("train", CASE_TYPE).stdout, end="", file=sys.stderr)
        sender = client_of(stack, "sender", "integration")
        readers = [client_of(stack, f"reader-{number}", "reviewer") for number in range(REVIEWERS)]
        steps = []
        for number, start in enumerate(islice(range(BEGIN, len(self.rows), BATCH), self.batches)):
            came = self.rows[start : start + BATCH]
            import_rows(stack, came, folder, f"batch-{number}", user="sender")
            step = self._judged(settled(sender, {row["id"] for row in came}))
            if self.wrong is not None:
                step = self._learnt(step, stack, readers, seed=self.seed * 1000 + number * 10)
            print(self.wrong, number, step, file=sys.stderr, flush=True)
            steps.append(step)
        return steps

    def _judged(self, cases: Sequence[dict[str, Any]]) -> Step:
        automated = [case for case in cases if not case["reason"]]
        wrong = sum(case["label"] != self.truth[case["external_id"]] for case in automated)
        return Step(len(cases), len(cases) - len(automated), wrong)

    def _learnt(self, step: Step, stack: RunningStack, readers: Sequence[httpx2.Client], *, seed: int) -> Step:
        """Work off what was escalated, and train."""
        started = time.monotonic()
        with ThreadPoolExecutor(len(readers)) as pool:
            list(pool.map(self._work_off, readers, range(seed, seed + len(readers))))
        said = stack.manage("train", CASE_TYPE).stdout.strip().splitlines()[-1]
        return replace(step, seconds=time.monotonic() - started, model=said)

    def _work_off(self, api: httpx2.Client, seed: int) -> None:
        """Decide until nothing waits."""
        rng = random.Random(seed)
        while (answer := api.post("tasks/claim/", json={})).status_code != 204:
            answer.raise_for_status()
            task = answer.json()
            label = self._says(task["case"]["external_id"], rng)
            agrees = (task["prediction"] or {}).get("label") == label
            body: dict[str, Any] = {"lease_token": task["lease_token"], "digest": task["digest"], "active_seconds": 4}
            body |= {"outcome": "approve"} if agrees else {"outcome": "amend", "output": {"label": label}}
            api.post(f"tasks/{task['id']}/decide/", json=body).raise_for_status()

    def _says(self, row: str, rng: random.Random) -> str:
        right = self.truth[row]
        if rng.random() >= (self.wrong or 0):
            return right
        return rng.choice([label for label in self.labels if label != right])


def settled(api: httpx2.Client, wanted: set[str]) -> list[dict[str, Any]]:
    """The cases of a batch, once none is on its way any more. The newest come first."""
    end = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < end:
        newest = islice(pages(api, "cases/?page_size=200"), len(wanted))
        found = [case for case in newest if case["external_id"] in wanted]
        if len(found) == len(wanted) and not {case["state"] for case in found} & UNDER_WAY:
            return found
        time.sleep(1)
    raise SystemExit(f"The cases did not settle within {SETTLE_SECONDS} seconds.")


def late(steps: Sequence[Step], count: int = 3) -> Step:
    """The last batches together: one alone is too small for an error rate."""
    last = steps[-count:]
    return Step(*(sum(getattr(step, name) for step in last) for name in ("came", "escalated", "automated_wrong")))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--wrong", type=float, nargs="*", default=[0.0, 0.05, 0.15], metavar="SHARE")
    parser.add_argument("--batches", type=int, default=14, help="how many of them; the file has 14")
    parser.add_argument("--out", type=Path, help="keep the figures as JSON")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/learning-loop.*")
    parser.add_argument("--leave-out-control", action="store_true", help="only the runs with retraining")
    asked = parser.parse_args()
    rows = read_rows(asked.data / "banking77_dev.csv", seed=asked.seed)
    kinds: dict[str, float | None] = {name_of(share): share for share in asked.wrong}
    kinds |= {} if asked.leave_out_control else {CONTROL: None}
    streams: dict[str, list[Step]] = {}
    for name, wrong in kinds.items():
        streams[name] = Stream(rows, wrong, asked.seed, asked.batches).run()
        if asked.out:
            kept = {each: [asdict(step) for step in steps] for each, steps in streams.items()}
            asked.out.write_text(json.dumps(kept))
        if asked.write:
            loop_page.write(name, told(streams[name], seed=asked.seed))
    print(loop_page.table({name: told(steps, seed=asked.seed) for name, steps in streams.items()}))
    return 1 if missed(streams) else 0


def name_of(wrong: float) -> str:
    """A run by its reviewers."""
    return f"readers wrong {wrong * 100:g} %" if wrong else "readers always right"


def told(steps: Sequence[Step], *, seed: int) -> loop_page.Run:
    """A run as it is kept."""
    shares = [{"to people": round(step.escalation, 4), "error": round(step.error, 4)} for step in (*steps, late(steps))]
    return {"on": f"{datetime.now(UTC):%Y-%m-%d}", "seed": seed, "steps": shares[:-1], "end": shares[-1]}


def missed(streams: dict[str, list[Step]]) -> list[str]:
    """The targets of reviewers who are always right that were not reached, each told."""
    if name_of(0) not in streams or CONTROL not in streams:
        return []
    learnt, same = late(streams[name_of(0)]), late(streams[CONTROL])
    told = {
        f"escalated at the end: {learnt.escalation:.1%} (≤ {MOST_ESCALATED:.0%})": learnt.escalation <= MOST_ESCALATED,
        f"less than without: {same.escalation - learnt.escalation:.1%} (≥ {LEAST_GAP:.0%})": same.escalation
        - learnt.escalation
        >= LEAST_GAP,
        f"automated error: {learnt.error:.1%} (≤ {MOST_WRONG:.1%})": learnt.error <= MOST_WRONG,
    }
    for line, met in told.items():
        print(("met     " if met else "missed  ") + line)
    return [line for line, met in told.items() if not met]


if __name__ == "__main__":
    sys.exit(main())
