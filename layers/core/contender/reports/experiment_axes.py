"""A small plot as inline SVG: axes, bands, lines, marks, in a size that a phone can show."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from contender.reports.page import Html, text

A_COLOUR, B_COLOUR = "var(--reference)", "var(--current)"
"""The page's blue and orange: told apart with every common colour blindness, and in grey print by
lightness."""
INK, MUTED, FAINT = "var(--ink)", "var(--muted)", "var(--line)"

WIDTH, HEIGHT = 420, 270
"""User units; at this width letters of 12 units are still 10 pixels high on a phone."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 54, 12, 14, 44

Range = tuple[float, float]
Point = tuple[float, float]


class Plot:
    """Collects the parts of one plot.

    Args:
        x: Range of the horizontal axis; widened if it is empty.
        y: The same of the vertical one.
        title: What the plot shows, for those who cannot see it.
    """

    def __init__(self, x: Range, y: Range, title: str) -> None:
        self._x, self._y = _wide(x), _wide(y)
        self._title = title
        self._parts: list[str] = []
        self._labels: list[str] = []
        self._mark_ends: list[float] = []

    def x(self, value: float) -> float:
        """Place of a value, in user units."""
        low, high = self._x
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * (value - low) / (high - low)

    def y(self, value: float) -> float:
        """Place of a value, in user units; values beyond the range stay at its edge."""
        low, high = self._y
        value = min(max(value, low), high)
        return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * (value - low) / (high - low)

    def axes(
        self,
        x_label: str,
        x_text: Callable[[float], str],
        y_text: Callable[[float], str],
        x_ticks: Sequence[float] | None = None,
    ) -> None:
        """Draws grid, ticks and the label of the horizontal axis."""
        for tick in ticks(*self._y):
            at = self.y(tick)
            self.line([(self._x[0], tick), (self._x[1], tick)], FAINT, 1)
            self.text(_LEFT - 6, at + 4, y_text(tick), "end", MUTED)
        for tick in ticks(*self._x, most=5) if x_ticks is None else x_ticks:
            words = x_text(tick)
            at_edge = self.x(tick) + 3.5 * len(words) > WIDTH
            place = WIDTH if at_edge else self.x(tick)
            self.text(place, HEIGHT - _BOTTOM + 17, words, "end" if at_edge else "middle", MUTED)
        self.text((_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - 8, x_label, "middle", MUTED)

    def band(self, x: Sequence[float], low: Sequence[float], high: Sequence[float], colour: str) -> None:
        """Fills between two curves, as far as the frame reaches."""
        top, bottom = (self._crossed([*zip(x, edge, strict=True)]) for edge in (high, low))
        there = [*top, *reversed(bottom)]
        self._parts.append(
            f'<polygon points="{self._points(there)}" style="fill:{colour};fill-opacity:.18"/>'
        )

    def line(
        self, points: Sequence[tuple[float, float]], colour: str, width: float = 2, dash: str = ""
    ) -> None:
        """Draws a curve; what lies above or below the frame is left out."""
        dashed = f";stroke-dasharray:{dash}" if dash else ""
        self._parts += [
            f'<polyline points="{self._points(run)}" '
            f'style="fill:none;stroke:{colour};stroke-width:{width:g}{dashed}"/>'
            for run in self._inside(points)
        ]

    def zero(self) -> None:
        """Draws the line of no difference."""
        self.line([(self._x[0], 0.0), (self._x[1], 0.0)], INK, 1.2)

    def mark(self, x: float, label: str) -> None:
        """Marks a moment by a vertical line with a label at its top; to be called from left to right."""
        self.line([(x, self._y[0]), (x, self._y[1])], MUTED, 1, "2 3")
        width = 6.5 * len(label)
        near_end = self.x(x) > WIDTH - 80
        start = self.x(x) + (-4 - width if near_end else 4)
        # The first row in which the label does not lie over the one before it.
        row = next((row for row, end in enumerate(self._mark_ends) if start > end), len(self._mark_ends))
        self._mark_ends[row : row + 1] = [start + width]
        at = start + (width if near_end else 0)
        self.label(at, _TOP + 10 + 13 * row, label, "end" if near_end else "start", MUTED)

    def dot(self, x: float, y: float, colour: str, square: bool = False) -> None:
        """Draws a point."""
        cx, cy = self.x(x), self.y(y)
        if square:
            self._parts.append(
                f'<rect x="{cx - 4:.1f}" y="{cy - 4:.1f}" width="8" height="8" style="fill:{colour}"/>'
            )
        else:
            self._parts.append(f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="4.5" style="fill:{colour}"/>')

    def steps(self, edges: Sequence[float], heights: Sequence[float], colour: str) -> None:
        """Draws a histogram as a filled outline."""
        points = [(edges[0], 0.0)]
        for height, left, right in zip(heights, edges[:-1], edges[1:], strict=True):
            points += [(left, height), (right, height)]
        points.append((edges[-1], 0.0))
        self._parts.append(
            f'<polygon points="{self._points(points)}" '
            f'style="fill:{colour};fill-opacity:.2;stroke:{colour};stroke-width:1.8"/>'
        )

    def label(self, x: float, y: float, words: str, anchor: str = "start", colour: str = INK) -> None:
        """Writes above everything that is drawn, with a rim that keeps curves off the letters."""
        self._labels.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" style="fill:{colour};font-size:11px;'
            f'paint-order:stroke;stroke:var(--card);stroke-width:4px;stroke-linejoin:round">{text(words)}</text>'
        )

    def text(self, x: float, y: float, words: str, anchor: str = "start", colour: str = INK) -> None:
        """Writes at a place in user units."""
        self._parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" '
            f'style="fill:{colour};font-size:12px">{text(words)}</text>'
        )

    def svg(self) -> Html:
        """Gives the picture."""
        return (
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{text(self._title)}">'
            f"{''.join(self._parts + self._labels)}</svg>"
        )

    def _crossed(self, points: Sequence[Point]) -> list[Point]:
        """The points, and those between them at which the curve leaves or enters the frame."""
        found = list(points[:1])
        for (x0, y0), (x1, y1) in pairwise(points):
            cuts = [(edge - y0) / (y1 - y0) for edge in self._y if (y0 - edge) * (y1 - edge) < 0]
            at_edge = [(x0 + cut * (x1 - x0), y0 + cut * (y1 - y0)) for cut in sorted(cuts)]
            found += [*at_edge, (x1, y1)]
        return found

    def _inside(self, points: Sequence[Point]) -> list[list[Point]]:
        """The parts of a curve that lie within the frame."""
        low, high = self._y
        tolerance = 1e-9 * (high - low)
        runs: list[list[Point]] = [[]]
        for point in self._crossed(points):
            if low - tolerance <= point[1] <= high + tolerance:
                runs[-1].append(point)
            elif runs[-1]:
                runs.append([])
        return [run for run in runs if len(run) > 1]

    def _points(self, points: Sequence[tuple[float, float]]) -> str:
        return " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Gives round numbers in a range: steps of 1, 2 or 5 times a power of ten, at most ``most`` of them."""
    raw = (high - low) / most
    size = 10 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= raw)
    first = math.ceil(low / step - 1e-9)
    count = math.floor(high / step + 1e-9) - first + 1
    return [(first + index) * step for index in range(count)]


def _wide(bounds: Range) -> Range:
    low, high = bounds
    return (low, high) if high > low else (low - 0.5, high + 0.5)
