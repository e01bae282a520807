"""Two histograms over the same bins, as one SVG picture."""

from __future__ import annotations

import math
from collections.abc import Sequence

from contender.reports.page import Html, number, percent, text

WIDTH, HEIGHT = 360, 160
"""In SVG units, about pixels on a phone, so that its text is as large there as the page's small print."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 4, 4, 18, 20


def histogram_svg(
    edges: Sequence[float],
    reference: Sequence[float],
    current: Sequence[float],
    medians: tuple[float | None, float | None],
    label: str,
    identity: str,
) -> Html:
    """Draws reference and current window over each other.

    Args:
        edges: Ascending, one more than there are bins.
        reference: Share of rows in each bin, in [0, 1].
        current: Likewise.
        medians: Of reference and current window; drawn as dashed lines where they are in the picture.
        label: What it shows, for those who cannot see it.
        identity: Unique in the page: letters, digits and hyphens.

    Returns:
        An ``svg`` element that is as wide as its container.
    """
    low, high = edges[0], edges[-1]
    top = max([*reference, *current, 1e-9])
    bottom = HEIGHT - _BOTTOM

    def x(value: float) -> float:
        return _LEFT + (value - low) / (high - low) * (WIDTH - _LEFT - _RIGHT)

    def y(share: float) -> float:
        return bottom - share / top * (bottom - _TOP)

    drawn = []
    for shares, who in ((reference, "reference"), (current, "current")):
        points = [
            f"{x(edge):.1f} {y(share):.1f}"
            for left, right, share in zip(edges, edges[1:], shares, strict=False)
            for edge, share in ((left, share), (right, share))
        ]
        outline = f"M{x(low):.1f} {bottom}L{'L'.join(points)}L{x(high):.1f} {bottom}"
        drawn.append(f'<path class="area {who}" d="{outline}Z"/><path class="edge {who}" d="{outline}"/>')
    for median, who in zip(medians, ("reference", "current"), strict=True):
        if median is not None and low <= median <= high:
            drawn.append(
                f'<line class="median {who}" x1="{x(median):.1f}" x2="{x(median):.1f}" '
                f'y1="{_TOP}" y2="{bottom}"/>'
            )
    labels = [
        f'<text x="{x(tick):.1f}" y="{HEIGHT - 5}" text-anchor="{_anchor(x(tick))}">{text(name)}</text>'
        for tick, name in _ticks(low, high)
    ]
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{identity}">'
        f'<title id="{identity}">{text(label)}</title>'
        f'<line class="axis" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{bottom}" y2="{bottom}"/>'
        f'<line class="axis" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{_TOP}" y2="{_TOP}"/>'
        f'<text x="{_LEFT}" y="{_TOP - 5}">{percent(top)} of rows</text>'
        f"{''.join(drawn)}{''.join(labels)}</svg>"
    )


def _anchor(x: float) -> str:
    if x < WIDTH * 0.06:
        return "start"
    return "end" if x > WIDTH * 0.94 else "middle"


def _ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Gives three to six round values in the range, each with its text."""
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough)
    first = math.ceil(low / step)
    ticks = [i * step for i in range(first, first + 7) if i * step <= high]
    decimals = max(0, -math.floor(math.log10(step) + 1e-9) + (1 if step / power == 2.5 else 0))
    if decimals > 4 or max(abs(low), abs(high)) >= 1e10:
        return [(tick, number(tick)) for tick in ticks]
    return [(tick, f"{tick:,.{decimals}f}".replace("-", "−")) for tick in ticks]
