"""Values over time: sorted stacks, votes for a percentile, percentiles of every window.

Decoded, stabilized frames go into a `SortedStack`. It counts votes, from which the percentile of each candidate
follows, then returns the candidates' pictures and the initial estimate of the rain-free mean.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
