"""What a person sees while the loop runs: one line per step, and signs of life in between."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

SIGN_OF_LIFE_S = 10.0
"""Without a terminal to redraw, progress is printed at most this often, in seconds."""


class Step:
    """A running step.

    Attributes:
        outcome: What was decided and why; printed when the step ends.
        notes: Further lines, printed below it.
    """

    def __init__(self, display: Display, title: str) -> None:
        self._display = display
        self._title = title
        self.outcome = ""
        self.notes: list[str] = []

    def progress(self, text: str) -> None:
        """Shows what is going on right now."""
        self._display.show_progress(self._title, text)


class Display:
    """Prints steps and keeps their times.

    Args:
        console: Where to print.

    Attributes:
        seconds: Step → how long it took.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.seconds: dict[str, float] = {}
        self._status = console.status("")
        self._last_sign = 0.0

    @contextmanager
    def step(self, name: str, title: str) -> Iterator[Step]:
        """Runs a step: a spinner while it runs, its outcome when it ends, a cross when it fails.

        Args:
            name: Key in ``seconds``.
            title: What it does, for people.
        """
        step = Step(self, title)
        started = time.monotonic()
        self._last_sign = started
        if self.console.is_terminal:
            self._status.update(f"[bold]{title}[/]")
            self._status.start()
        mark, style = "✗", "red"
        try:
            yield step
            mark, style = "✓", "green"
        finally:
            self._status.stop()
            took = time.monotonic() - started
            self.seconds[name] = round(took, 2)
            self.console.print(f"[{style}]{mark}[/] [bold]{title}[/] [dim]{took:.1f} s[/]", highlight=False)
            for line in filter(None, [step.outcome, *step.notes]):
                self.console.print(f"    {line}", highlight=False, soft_wrap=True, markup=False)

    def show_progress(self, title: str, text: str) -> None:
        """Updates the spinner, or prints a line now and then where there is none."""
        if self.console.is_terminal:
            self._status.update(f"[bold]{title}[/] [dim]{escape(text)}[/]")
        elif time.monotonic() - self._last_sign >= SIGN_OF_LIFE_S:
            self._last_sign = time.monotonic()
            self.console.print(f"    … {text}", highlight=False, soft_wrap=True, markup=False)
