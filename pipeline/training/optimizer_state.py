"""The state of an optimizer that a checkpoint brings."""

import math

import torch

_STATE = {"step", "exp_avg", "exp_avg_sq"}
"""Names of the state that Adam keeps of a weight once it has moved it."""


def check_optimizer(optimizer: torch.optim.Optimizer) -> None:
    """Raise ValueError where the state of an optimizer, as a checkpoint brought it, does not belong to its weights."""
    wanted = optimizer.defaults.keys()
    for group in optimizer.param_groups:
        if not wanted <= group.keys():
            raise ValueError(f"an optimizer without {', '.join(sorted(wanted - group.keys()))}")
        if any(group[name] != optimizer.defaults[name] for name in wanted - {"lr"}) or not 0 <= group["lr"] < math.inf:
            raise ValueError("an optimizer of another kind")
        for weight in group["params"]:
            state = optimizer.state.get(weight, {})
            if state and state.keys() != _STATE:
                raise ValueError(f"a state of the optimizer with {', '.join(map(repr, state))}")
            for name, value in state.items():
                shape = torch.Size() if name == "step" else weight.shape
                if not (isinstance(value, torch.Tensor) and value.shape == shape and torch.isfinite(value).all()):
                    raise ValueError(f"a state of the optimizer, {name}, that is not valid")
                if not value.is_contiguous():
                    raise ValueError(f"a state of the optimizer, {name}, of which values may share memory")
