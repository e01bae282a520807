"""What the programs do, one module a use case, written against ``contender.ports``."""
