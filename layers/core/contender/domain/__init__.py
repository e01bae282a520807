"""The rules: standard library, NumPy and (in ``drift`` and ``experiment``) SciPy only."""
