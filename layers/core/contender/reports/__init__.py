"""Results as pages for people: self-contained HTML, made with the standard library alone."""

from contender.reports.drift import render_drift_report

__all__ = ["render_drift_report"]
