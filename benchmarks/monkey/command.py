"""``python -m benchmarks monkey``: random events on the real window until something breaks."""

import sys
from dataclasses import dataclass

from gui.command import require_qt
from pipeline.cli.console import follow, print_json, print_table, print_text
from rainclean.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class BenchMonkey:
    """Send random events to the real window, and check after each batch that nothing broke.

    Each seed has a process and a small project of its own in a temporary folder. A seed replays its events. Of the
    jobs, a few of those that work on the project run as they are. A short program stands in for the others, for
    training and evaluation, and for jobs that name a path outside of the folder.
    """

    events: int = 10_000
    """Events per seed."""
    seeds: int = 10
    """Number of seeds."""
    first_seed: int = 0
    """The first seed; the others follow it."""
    batch: int = 250
    """Events between two checks."""
    jobs: int = 8
    """How many jobs per seed run as they are."""
    json: bool = False
    """Print JSON instead of a table."""

    def run(self) -> None:
        """Run all seeds; exit with 1 where one of them failed."""
        if min(self.events, self.seeds, self.batch) < 1:
            raise UsageError("--events, --seeds and --batch: at least 1")
        require_qt("python -m benchmarks monkey")
        from benchmarks.monkey.run import run_seeds

        seeds = range(self.first_seed, self.first_seed + self.seeds)
        outcomes = follow(run_seeds(seeds, self.events, self.batch, self.jobs))
        failed = [outcome for outcome in outcomes if outcome.problem]
        if self.json:
            print_json({"rows": [outcome.to_json() for outcome in outcomes]})
        else:
            for outcome in failed:
                lines = (
                    f"seed {outcome.seed}:",
                    *outcome.problem.splitlines(),
                    "The last events:",
                    *outcome.last_events,
                )
                for line in lines:
                    print_text(line)
            rows = [(str(o.seed), str(o.events), f"{o.seconds:.0f}", o.summary) for o in outcomes]
            print_table(("seed", "events", "seconds", "result"), rows)
        if failed:
            sys.exit(1)
