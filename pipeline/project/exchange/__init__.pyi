from .files import Conflict, conflicts, export_decisions, import_decisions
from .unusable import advice, faults

__all__ = ["Conflict", "advice", "conflicts", "export_decisions", "faults", "import_decisions"]
