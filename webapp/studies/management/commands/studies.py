"""`manage.py studies run | table | export`: studies at the terminal."""

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from algorithms.base import UserError
from webapp.accounts.services import demo_account_ensure
from webapp.studies.bandit import WHOLE
from webapp.studies.committed import committed_markdown
from webapp.studies.exports import export_study
from webapp.studies.facts import load_facts
from webapp.studies.library import StudyFile, study_files
from webapp.studies.results import StudyResult, load_result
from webapp.studies.schema import PROFILES
from webapp.studies.services import plan_at, study_reproduce
from webapp.studies.texts import claims_markdown, overview_markdown

RESULTS = settings.BASE_DIR / "docs/results/studies"
LOOK_S = 2.0
ACTIVE = ("waiting", "queued", "running")


class Command(BaseCommand):
    """Run studies, and print or write what came of them."""

    help = "Run studies, print their claims, or write their results as files."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the three actions."""
        actions = parser.add_subparsers(dest="action", required=True)
        run = actions.add_parser("run", help="queue what is missing, wait, print the claims")
        run.add_argument("names", nargs="*", help="studies; none runs all")
        run.add_argument("--profile", choices=PROFILES, default="cpu")
        run.add_argument("--no-wait", action="store_true", help="queue only")
        table = actions.add_parser("table", help="claims of all studies as Markdown")
        table.add_argument("--profile", choices=PROFILES, default="cpu")
        table.add_argument(
            "--committed", action="store_true", help="of the files in docs/results/studies"
        )
        export = actions.add_parser("export", help="write CSV and Markdown of studies")
        export.add_argument("names", nargs="*", help="studies; none writes all")
        export.add_argument("--profile", choices=PROFILES, default="cpu")
        export.add_argument("--figures", action="store_true", help="draw the plots as SVG, too")
        export.add_argument("--out", type=Path, default=RESULTS)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do what was asked.

        Raises:
            CommandError: a study does not exist or cannot be run.
        """
        try:
            getattr(self, f"_{options['action']}")(options)
        except UserError as error:
            raise CommandError(str(error)) from error

    def _run(self, options: dict[str, Any]) -> None:
        owner, _ = demo_account_ensure()
        files = _chosen(options["names"])
        scale = options["profile"]
        for file in files:
            if file.study is not None and file.study.bandit is not None:
                continue
            if self._can_run(file, scale):
                done = study_reproduce(owner=owner, file=file, scale=scale)
                self.stdout.write(f"{file.name}: {done.sentence}")
        if options["no_wait"]:
            return
        for file in files:
            self._wait(file, scale)
            self.stdout.write(claims_markdown(load_result(file, scale, seconds=WHOLE)))

    def _can_run(self, file: StudyFile, scale: str) -> bool:
        if file.study is None or scale not in file.scales or file.scales[scale].plan is None:
            reason = file.problem or f"it has no scale {scale} that can be planned"
            self.stdout.write(f"{file.name}: left out, {reason}")
            return False
        missing = plan_at(file, scale).missing_recipes
        if missing:
            self.stdout.write(f"{file.name}: left out, not installed: {', '.join(missing)}")
        return not missing

    def _wait(self, file: StudyFile, scale: str) -> None:
        """Wait until no job of a study is active; say when something changed."""
        if scale not in file.scales or file.scales[scale].plan is None:
            return
        plan, said = plan_at(file, scale), ""
        while True:
            states = load_facts(plan).states
            line = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
            if line != said:
                self.stdout.write(f"{file.name}: {line}")
                self.stdout.flush()
                said = line
            if not any(states[state] for state in ACTIVE):
                return
            time.sleep(LOOK_S)

    def _table(self, options: dict[str, Any]) -> None:
        if options["committed"]:
            self.stdout.write(committed_markdown(RESULTS))
            return
        results = [_result(file, options["profile"]) for file in study_files().values()]
        self.stdout.write(overview_markdown([one for one in results if one is not None]))

    def _export(self, options: dict[str, Any]) -> None:
        for file in _chosen(options["names"]):
            result = _result(file, options["profile"])
            if result is not None:
                folder = options["out"] / file.name
                for path in export_study(result, folder, figures=options["figures"]):
                    self.stdout.write(str(path))


def _result(file: StudyFile, scale: str) -> StudyResult | None:
    """Return what a study has come to; None where it cannot be planned at this scale."""
    if file.study is None:
        return None
    if file.study.bandit is None and (scale not in file.scales or file.scales[scale].plan is None):
        return None
    return load_result(file, scale, seconds=WHOLE)


def _chosen(names: list[str]) -> list[StudyFile]:
    known = study_files()
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UserError(f"There is no study {', '.join(unknown)}. Known: {', '.join(known)}.")
    return [known[name] for name in names or known]
