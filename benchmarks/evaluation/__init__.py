"""Parts that benchmarks share; no scripts of their own."""
