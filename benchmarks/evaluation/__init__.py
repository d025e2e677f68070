"""Parts of population_evaluation.py, recorded_search.py and gpu.py; no scripts of their own."""
