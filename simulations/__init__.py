"""Programs that show, by simulation on real data, at which rates the decisions are wrong."""
