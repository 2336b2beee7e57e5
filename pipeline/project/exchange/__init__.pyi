from .conflicts import Conflict, conflicts
from .export_file import export_decisions
from .import_files import Imported, import_decisions
from .unusable import advice, faults

__all__ = ["Conflict", "Imported", "advice", "conflicts", "export_decisions", "faults", "import_decisions"]
