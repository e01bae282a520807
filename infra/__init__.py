"""Everything about where Contender runs."""
