"""The loop on real texts, through a running stack: import, classify, route, review over the API, retrain, escalate less.

    python -m benchmarks.real_text [--data FOLDER] [--seed N] [--database URL]

The folder holds ``banking77_dev.csv`` (columns text and label). 4,000 shuffled rows are imported as labelled examples, half of the
rest as cases in exception mode at 0.8. A scripted reviewer who knows the truth works 500 tasks off through the API, the model is
trained again, and the other half comes in. Prints a table; ends with 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np

from cases.classifiers.calibration import expected_calibration_error
from tests.stacks import RunningStack

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
TRAINED_ON, REVIEWED, THRESHOLD = 4_000, 500, 0.8
CASE_TYPE = "bank-question"
Row = dict[str, str]


def main() -> int:
    arguments = _arguments()
    rows = read_rows(arguments.data / "banking77_dev.csv", seed=arguments.seed)
    truth = {row["id"]: row["label"] for row in rows}
    with tempfile.TemporaryDirectory() as folder:
        environ = {"DATABASE_URL": arguments.database, "SECRET_KEY": "b" * 60} if arguments.database else {}
        stack = RunningStack(Path(folder) / "data", environ)
        try:
            return _report(_run(stack.start(), rows, truth, Path(folder)))
        finally:
            stack.stop()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--database", default="", help="a database URL; without it, the embedded SQLite")
    return parser.parse_args()


def read_rows(path: Path, *, seed: int) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    random.Random(seed).shuffle(rows)
    return rows


def _run(stack: RunningStack, rows: list[Row], truth: dict[str, str], folder: Path) -> dict[str, float]:
    """The whole story; figures by name."""
    configure(stack, sorted({row["label"] for row in rows}), folder)
    middle = TRAINED_ON + (len(rows) - TRAINED_ON) // 2
    figures: dict[str, float] = {}
    import_rows(stack, rows[:TRAINED_ON], folder, "known", "--truth", "--label-column", "label")
    figures["training seconds"] = _timed(lambda: print(stack.manage("train", CASE_TYPE).stdout, end=""))
    api = client_of(stack, "sender", "integration")
    started = time.monotonic()
    import_rows(stack, rows[TRAINED_ON:middle], folder, "first", user="sender")
    first = _settled(api, middle - TRAINED_ON)
    figures["seconds to route the first half"] = time.monotonic() - started
    figures |= _judged(api, first, truth)
    figures["reviewed"] = _review(client_of(stack, "reader", "reviewer"), truth)
    print(stack.manage("train", CASE_TYPE).stdout, end="")
    import_rows(stack, rows[middle:], folder, "second", user="sender")
    everything = _settled(api, len(rows) - TRAINED_ON)
    before = {case["id"] for case in first}
    second = [case for case in everything if case["id"] not in before]
    figures["escalated, first half"] = _escalated(first)
    figures["escalated, second half"] = _escalated(second)
    return figures


def configure(stack: RunningStack, labels: list[str], folder: Path) -> None:
    schema = {"type": "object", "required": ["label"], "properties": {"label": {"enum": labels}}}
    policy = {
        "mode": "exception_handler",
        "threshold": THRESHOLD,
        "sample_rate": 0,
        "routing": [{"default": True, "queue": "desk"}],
    }
    case_type = {
        "key": CASE_TYPE,
        "name": "Bank question",
        "impact": ["customer"],
        "output_schema": schema,
        "classifier": "local",
    }
    queues = [{"key": "desk", "name": "Desk", "kind": "expert", "groups": ["reviewer"]}]
    path = folder / "config.yaml"  # JSON is YAML
    path.write_text(
        json.dumps({"case_types": [case_type | {"action": {"backend": "log"}, "policy": policy}], "queues": queues})
    )
    print(stack.manage("apply_config", str(path)).stdout)


def import_rows(stack: RunningStack, rows: list[Row], folder: Path, name: str, *options: str, user: str = "") -> None:
    path = folder / f"{name}.csv"
    columns = ["id", "text", "label"] if "--truth" in options else ["id", "text"]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    sender = ("--user", user) if user else ()
    stack.manage("import_cases", str(path), "--case-type", CASE_TYPE, "--text-column", "text", *options, *sender)


def client_of(stack: RunningStack, user: str, role: str) -> httpx2.Client:
    token = stack.manage("create_token", "--user", user, "--role", role).stdout.strip()
    headers = {"Authorization": f"Bearer {token}"}
    return httpx2.Client(base_url=f"{stack.base_url}/api/v1/", headers=headers, timeout=30)


def pages(api: httpx2.Client, path: str) -> Iterator[dict[str, Any]]:
    while path:
        answer = api.get(path)
        answer.raise_for_status()
        yield from answer.json()["results"]
        path = answer.json()["next"] or ""


def _settled(api: httpx2.Client, count: int) -> list[dict[str, Any]]:
    """Every case, once none is on its way any more."""
    end = time.monotonic() + 300
    while time.monotonic() < end:
        cases = list(pages(api, "cases/?page_size=200"))
        if len(cases) >= count and not {case["state"] for case in cases} & {"received", "classified", "decided"}:
            return cases
        time.sleep(1)
    raise SystemExit("The cases did not settle within five minutes.")


def _judged(api: httpx2.Client, cases: list[dict[str, Any]], truth: dict[str, str]) -> dict[str, float]:
    right = np.array([case["label"] == truth[case["external_id"]] for case in cases])
    sure = np.array([case["confidence"] for case in cases])
    predictions = [api.get(f"cases/{case['id']}/").json()["predictions"][-1] for case in cases]
    raw = np.array([prediction["raw_confidence"] or 0 for prediction in predictions])
    automatic = np.array([case["state"] == "closed" for case in cases])
    return {
        "accuracy": float(right.mean()),
        "calibration error": float(expected_calibration_error(sure, right)),
        "calibration error, uncalibrated": float(expected_calibration_error(raw, right)),
        "automated share": float(automatic.mean()),
        "automated, right": float(right[automatic].mean()),
        "automated, said confidence": float(sure[automatic].mean()),
        "waiting with evidence": float(
            np.mean([bool(p["evidence"]) for p, done in zip(predictions, automatic, strict=True) if not done])
        ),
    }


def _review(api: httpx2.Client, truth: dict[str, str]) -> float:
    """A reviewer who knows: approve what is right, amend what is not."""
    for done in range(REVIEWED):
        answer = api.post("tasks/claim/", json={})
        if answer.status_code == 204:
            return float(done)
        task = answer.json()
        label = truth[task["case"]["external_id"]]
        said = (task["prediction"] or {}).get("label")
        body: dict[str, Any] = {"lease_token": task["lease_token"], "digest": task["digest"], "active_seconds": 4}
        body |= {"outcome": "approve"} if said == label else {"outcome": "amend", "output": {"label": label}}
        api.post(f"tasks/{task['id']}/decide/", json=body).raise_for_status()
    return float(REVIEWED)


def _escalated(cases: list[dict[str, Any]]) -> float:
    return sum(bool(case["reason"]) for case in cases) / len(cases)


def _timed(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


TARGETS: dict[str, Callable[[dict[str, float]], bool]] = {
    "accuracy ≥ 0.87": lambda f: f["accuracy"] >= 0.87,
    "calibration error ≤ 0.03": lambda f: f["calibration error"] <= 0.03,
    "calibration error 3× smaller than uncalibrated": lambda f: (
        f["calibration error"] * 3 <= f["calibration error, uncalibrated"]
    ),
    "automated at least as right as said": lambda f: f["automated, right"] >= f["automated, said confidence"] - 0.005,
    "evidence on what waits": lambda f: f["waiting with evidence"] >= 0.99,
    "fewer escalated after training": lambda f: f["escalated, second half"] < f["escalated, first half"],
}


def _report(figures: dict[str, float]) -> int:
    for name, value in figures.items():
        print(f"{name:<48} {value:>10.4f}")
    missed = [name for name, met in TARGETS.items() if not met(figures)]
    for name in TARGETS:
        print(f"{'missed' if name in missed else 'met':<8} {name}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
