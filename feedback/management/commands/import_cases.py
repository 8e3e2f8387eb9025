from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from cases.imports.mapping import Columns, case_in, truth_in
from cases.imports.progress import Progress
from cases.imports.rows import UnreadableFileError
from cases.imports.run import Take, first_columns, run
from cases.ingest import ingest
from cases.models import CaseType
from feedback.truths import store_truths

ORIGIN = "import"
SYSTEM_ACCOUNT = "importer"


class Command(BaseCommand):
    help = (
        "Imports cases, or with --truth labelled examples, from CSV, JSONL or XLSX. Refused rows are listed by line, the rest "
        "is taken; a second run goes on where the first one stopped. Labels without --truth become predictions, of confidence "
        "0 unless --confidence-column says more, so that a person looks at them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="a file that ends in .csv, .jsonl or .xlsx")
        parser.add_argument("--case-type", required=True, metavar="KEY")
        parser.add_argument(
            "--text-column", default="text", metavar="NAME", help="becomes payload.text (default: text)"
        )
        parser.add_argument(
            "--label-column", default="", metavar="NAME", help="becomes the prediction, or with --truth the truth"
        )
        parser.add_argument(
            "--confidence-column", default="", metavar="NAME", help="how sure the label is, from 0 to 1"
        )
        parser.add_argument(
            "--id-column", default=None, metavar="NAME", help="what tells rows apart (default: id, if there is one)"
        )
        parser.add_argument(
            "--source", default="", metavar="NAME", help="where they come from (default: import:<file name>)"
        )
        parser.add_argument("--user", default=SYSTEM_ACCOUNT, metavar="NAME", help="the account that sends them in")
        parser.add_argument(
            "--truth", action="store_true", help="the labels are right: store training examples, no cases"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        try:
            counts = self._import(path, options)
        except UnreadableFileError as error:
            raise CommandError(f"{path.name}: {error}") from error
        except KeyboardInterrupt:
            raise CommandError("Stopped. Run the same command again to go on.", returncode=130) from None
        self._report(counts, noun="examples" if options["truth"] else "cases")

    def _import(self, path: Path, options: dict[str, Any]) -> Counter[str]:
        case_type = CaseType.objects.filter(key=options["case_type"]).first()
        if case_type is None:
            raise CommandError(f"There is no case type '{options['case_type']}'.")
        columns = _columns(path, options)
        take = _truths(case_type, columns) if options["truth"] else _cases(columns, _account(options["user"]))
        progress = Progress(path, purpose=f"{columns} {options['user']} {options['truth']}")
        with tqdm(total=path.stat().st_size, unit="B", unit_scale=True, file=sys.stderr, desc=path.name) as bar:
            counts = run(path, take=take, progress=progress, refused=_tell, advance=_advancing(bar))
            bar.update(path.stat().st_size - bar.n)  # the header and whatever else in the file is no row
            return counts

    def _report(self, counts: Counter[str], *, noun: str) -> None:
        rejected = counts["invalid"] + counts["conflict"]
        text = f"{counts['created']} {noun} imported, {counts['existing']} were here already, {rejected} rows rejected"
        self.stdout.write(text + (f", {counts['skipped']} done by an earlier run." if counts["skipped"] else "."))
        if rejected and not counts["created"] + counts["existing"] + counts["skipped"]:
            raise CommandError("Nothing in this file could be imported.")


def _columns(path: Path, options: dict[str, Any]) -> Columns:
    there = first_columns(path)
    label = options["label_column"] or ("label" if options["truth"] else "")
    identity = options["id_column"] if options["id_column"] is not None else "id" if "id" in there else ""
    needed = {"--text-column": "" if "payload" in there else options["text_column"], "--label-column": label}
    needed |= {"--confidence-column": options["confidence_column"], "--id-column": identity}
    for option, name in needed.items():
        if name and name not in there:
            raise CommandError(f"There is no column '{name}' ({option}); there are: {', '.join(sorted(there))}.")
    source = options["source"] or f"import:{path.name}"[:120]
    return Columns(
        case_type=options["case_type"],
        source=source,
        text=options["text_column"],
        label=label,
        confidence=options["confidence_column"],
        identity=identity,
    )


def _cases(columns: Columns, sender: User) -> Take:
    def take(rows: Any) -> Any:
        outcomes = ingest([case_in(row, columns) for row in rows], sender=sender, origin=ORIGIN)
        return [(outcome.status, outcome.errors) for outcome in outcomes]

    return take


def _truths(case_type: CaseType, columns: Columns) -> Take:
    def take(rows: Any) -> Any:
        items = [truth_in(row, columns) for row in rows]
        return store_truths(
            items,
            case_type=case_type,
            source=columns.source,
            label_field=columns.label,
            actor=SYSTEM_ACCOUNT,
            origin=ORIGIN,
        )

    return take


def _account(name: str) -> User:
    """The system's own account is made when it is first needed; nobody can sign in with it."""
    if name != SYSTEM_ACCOUNT:
        user = User.objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"There is no account '{name}'.")
        return user
    user, made = User.objects.get_or_create(username=SYSTEM_ACCOUNT)
    if made:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    return user


def _advancing(bar: tqdm[Any]) -> Callable[[int], None]:
    def advance(size: int) -> None:
        bar.update(size)

    return advance


def _tell(line: int, reason: str) -> None:
    tqdm.write(f"line {line}: {reason}", file=sys.stderr)
