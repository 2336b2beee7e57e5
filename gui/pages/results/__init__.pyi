from .page import ResultsPanel

__all__ = ["ResultsPanel"]
