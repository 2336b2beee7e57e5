from .cluster import on_cluster
from .intake import Imported, import_results
from .local import in_processes
from .result_folder import ResultFolder
from .run import Workers, batch
from .shard import analyze_shard
from .tasks import Request, Shard

__all__ = [
    "Imported",
    "Request",
    "ResultFolder",
    "Shard",
    "Workers",
    "analyze_shard",
    "batch",
    "import_results",
    "in_processes",
    "on_cluster",
]
