"""From an export to what a person reads: console, table, chart."""
