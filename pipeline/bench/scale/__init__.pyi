from .index import PAIRS, IndexFigures, make_tree, measure_index

__all__ = ["PAIRS", "IndexFigures", "make_tree", "measure_index"]
