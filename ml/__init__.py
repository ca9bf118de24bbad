"""Everything about models and texts that needs no web application: rendering, training, generation, checks, statistics.

Nothing here imports Django. The modules for texts, splits, prompts and statistics import neither torch nor
transformers, so that the web process may use them.
"""
