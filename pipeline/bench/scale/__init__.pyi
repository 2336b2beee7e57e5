from .index import PAIRS, IndexFigures, TrainingFigures, make_tree, measure_index, measure_training

__all__ = ["PAIRS", "IndexFigures", "TrainingFigures", "make_tree", "measure_index", "measure_training"]
