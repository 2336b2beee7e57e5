from . import prior, storage
from .local_eta import LocalVotes, count_local_votes, eta_map, tenths
from .memory_budget import STEADYING, Budget, default_memory, least_memory
from .percentiles import InitialEstimate, Percentile, PercentileQuery, Query
from .prior import SILENT_LIMIT, Votes, count_votes, interval_size, luma, sort_stack, split_percentile
from .sorted_stack import SortedStack
from .sorting_networks import sort_network
from .storage import Planes, format_bytes

__all__ = [
    "SILENT_LIMIT",
    "STEADYING",
    "Budget",
    "InitialEstimate",
    "LocalVotes",
    "Percentile",
    "PercentileQuery",
    "Planes",
    "Query",
    "SortedStack",
    "Votes",
    "count_local_votes",
    "count_votes",
    "default_memory",
    "eta_map",
    "format_bytes",
    "interval_size",
    "least_memory",
    "luma",
    "prior",
    "sort_network",
    "sort_stack",
    "split_percentile",
    "storage",
    "tenths",
]
