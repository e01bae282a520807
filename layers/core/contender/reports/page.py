"""The frame of a page, its style, and how text and numbers get into it."""

from __future__ import annotations

from html import escape
from unicodedata import category

Html = str
"""Markup that is safe to put into a page. Everything else goes through ``text`` first."""


_HARMLESS = "\n\t\u200c\u200d"
"""Control characters that text needs: joiners belong to the spelling of some languages."""


def text(value: object) -> Html:
    """Makes any text safe, in an element as in a quoted attribute.

    Control characters, and those that turn the direction of what follows, are shown as �.
    """
    shown = "".join(c if category(c)[0] != "C" or c in _HARMLESS else "\ufffd" for c in str(value))
    return escape(shown, quote=True)


def shortened(name: str, most: int = 48) -> str:
    """Cuts a name that would fill the page."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def number(value: float | None) -> str:
    """Writes a number for people: four significant digits, whole from 1,000 on; ``–`` for ``None``."""
    if value is None:
        return "–"
    if value == 0 or 1e-3 <= abs(value) < 1e10:
        digits = f"{value:,.4f}" if abs(value) < 1 else f"{value:,.{max(0, 4 - len(str(int(abs(value)))))}f}"
        return (digits.rstrip("0").rstrip(".") if "." in digits else digits).replace("-", "−")
    return f"{value:.3g}".replace("-", "−")


def percent(share: float | None) -> str:
    """Writes a share in percent, with one decimal and unbreakable spaces; ``–`` for ``None``."""
    if share is None:
        return "–"
    value = 100 * share
    if value == 0 or value == 100:
        return f"{value:.0f}\u00a0%"
    if abs(value) < 0.1:
        return "<\u00a00.1\u00a0%"
    return f"{value:.1f}\u00a0%"


def p_value(p: float | None) -> str:
    """Writes a p-value; what float64 cannot hold is below 1e-300."""
    if p is None:
        return "–"
    return f"{p:.2g}".replace("-", "−") if p >= 1e-300 else "< 1e−300"


def whole_page(title: str, body: Html) -> Html:
    """Puts a body into a page that asks nothing of the network and runs no script.

    Args:
        title: Plain text.
        body: Markup.

    Returns:
        The page.
    """
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{text(title)}</title>
<style>{STYLE}</style>
</head>
<body>
{body}
</body>
</html>
"""


STYLE = """
:root {
  --paper: #f5f6f8; --card: #ffffff; --ink: #1f2933; --muted: #5d6875; --line: #dfe3e8;
  --reference: #3d6fb4; --current: #d9641a;
  --bad: #b42318; --bad-soft: #fdecea; --good: #1d6b43; --good-soft: #e5f4ec;
  --unsure: #7a4f01; --unsure-soft: #fdf3dc;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #12161b; --card: #1b2027; --ink: #e6e9ed; --muted: #9aa5b1; --line: #323a44;
    --reference: #7da7e0; --current: #f39a5b;
    --bad: #ff9a8f; --bad-soft: #3b1d1b; --good: #7fd6a6; --good-soft: #16301f;
    --unsure: #f1c869; --unsure-soft: #352a10;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif;
  -webkit-text-size-adjust: 100%;
}
main { max-width: 1120px; margin: 0 auto; padding: 16px; }
h1 { font-size: 1.65rem; line-height: 1.2; margin: 0 0 8px; }
h2 { font-size: 1.15rem; margin: 32px 0 10px; }
h3 { font-size: 1.05rem; margin: 0; overflow-wrap: anywhere; }
p { margin: 0 0 10px; overflow-wrap: anywhere; }
a { color: inherit; }
.muted { color: var(--muted); }
.small { font-size: .875rem; }
.eyebrow { color: var(--muted); font-size: .875rem; margin: 0 0 6px; }
.verdict {
  background: var(--card); border: 1px solid var(--line); border-left: 6px solid; border-radius: 8px;
  padding: 16px 18px;
}
.verdict.bad { border-left-color: var(--bad); } .verdict.bad h1 { color: var(--bad); }
.verdict.good { border-left-color: var(--good); } .verdict.good h1 { color: var(--good); }
.verdict.unsure { border-left-color: var(--unsure); } .verdict.unsure h1 { color: var(--unsure); }
.notice {
  background: var(--bad-soft); color: var(--bad); border-radius: 8px; padding: 10px 14px; margin: 12px 0 0;
  overflow-wrap: anywhere;
}
.notice ul { margin: 4px 0 0; padding-left: 20px; }
dl.facts {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); gap: 10px; margin: 14px 0 0;
}
dl.facts dt { color: var(--muted); font-size: .8125rem; }
dl.facts dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.legend {
  display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: .875rem; margin: 0 0 12px; padding: 0;
  list-style: none;
}
.legend i { display: inline-block; width: 22px; height: 11px; margin-right: 6px; border-radius: 2px; }
.legend .reference i, .bar.reference { background: var(--reference); opacity: .6; }
.legend .current i, .bar.current { background: var(--current); }
.cards {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 440px), 1fr)); gap: 14px;
  align-items: start;
}
.card {
  background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 14px 16px;
  min-width: 0;
}
.card header {
  display: flex; gap: 10px; justify-content: space-between; align-items: baseline; margin-bottom: 4px;
}
.pill { flex: none; font-size: .8125rem; font-weight: 600; border-radius: 99px; padding: 1px 10px; }
.pill.bad { background: var(--bad-soft); color: var(--bad); }
.pill.good { background: var(--good-soft); color: var(--good); }
.pill.unsure { background: var(--unsure-soft); color: var(--unsure); }
.pill.none { background: var(--paper); color: var(--muted); }
svg { display: block; width: 100%; height: auto; margin: 6px 0 2px; }
svg text { font: 11px system-ui, sans-serif; fill: var(--muted); }
svg .axis { stroke: var(--line); }
svg .area.reference { fill: var(--reference); fill-opacity: .3; }
svg .area.current { fill: var(--current); fill-opacity: .18; }
svg .edge { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
svg .edge.reference, svg .median.reference { stroke: var(--reference); }
svg .edge.current, svg .median.current { stroke: var(--current); }
svg .median { stroke-width: 1.6; stroke-dasharray: 4 3; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; }
th, td { text-align: left; padding: 4px 8px 4px 0; vertical-align: top; border-top: 1px solid var(--line); }
thead th { color: var(--muted); font-weight: 500; border-top: 0; }
tbody th { font-weight: 500; overflow-wrap: anywhere; }
td.n, th.n { text-align: right; padding-right: 0; padding-left: 8px; }
td.n { font-variant-numeric: tabular-nums; }
.scroll td.n { white-space: nowrap; }
table.bars { table-layout: fixed; margin: 6px 0 2px; }
table.bars th:first-child { width: 32%; } table.bars .n { width: 36%; }
table.effects th:first-child { width: 40%; } table.effects .n { width: 24%; }
table.bars tr > * { border-top: 0; vertical-align: middle; padding-top: 3px; padding-bottom: 3px; }
.bar { display: block; height: 7px; border-radius: 2px; min-width: 1px; }
.bar + .bar { margin-top: 2px; }
.effects .bar.bad { background: var(--bad); } .effects .bar.good { background: var(--muted); opacity: .5; }
.effects .track { position: relative; } .effects .track::after {
  content: ""; position: absolute; left: 50%; top: -3px; bottom: -3px; border-left: 1.5px dashed var(--ink);
}
.scroll { overflow-x: auto; }
details { margin-top: 8px; } details.more { margin-top: 14px; }
summary { cursor: pointer; color: var(--muted); font-size: .875rem; padding: 4px 0; }
details.more > summary { color: var(--ink); font-size: 1rem; font-weight: 600; margin-bottom: 10px; }
footer { color: var(--muted); font-size: .8125rem; margin: 32px 0 8px; overflow-wrap: anywhere; }
@media print { body { background: none; } .card { break-inside: avoid; } }
"""
