class OperatorError(RuntimeError):
    """One sentence for whoever runs the installation: what is wrong, where, and what to do."""
