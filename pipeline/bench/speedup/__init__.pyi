from .run import Speed, measure_speedup

__all__ = ["Speed", "measure_speedup"]
