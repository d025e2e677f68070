"""Parts of population_evaluation.py and gpu.py; no scripts of their own."""
