"""The state of an optimizer that a checkpoint brings belongs to the weights, or is refused."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from pipeline.training.optimizer_state import check_optimizer


def adam() -> torch.optim.Adam:
    weight = torch.nn.Parameter(torch.ones(3, 2))
    optimizer = torch.optim.Adam([weight], lr=1e-3)
    weight.sum().backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return optimizer


def state(optimizer: torch.optim.Adam) -> dict[str, Any]:
    return next(iter(optimizer.state.values()))


DAMAGES: list[Callable[[torch.optim.Adam], object]] = [
    lambda o: o.param_groups[0].pop("weight_decay"),
    lambda o: o.param_groups[0].update(betas=(0.9, 5.0)),
    lambda o: o.param_groups[0].update(lr=float("nan")),
    lambda o: state(o).update(exp_avg=torch.zeros(2, 3)),
    lambda o: state(o).update(exp_avg_sq=torch.full((3, 2), torch.nan)),
    lambda o: state(o).update(step=torch.zeros(0)),
    lambda o: state(o).update(step="many"),
    lambda o: state(o).pop("exp_avg_sq"),
    lambda o: state(o).update(exp_awg=state(o).pop("exp_avg")),
    lambda o: state(o).update(exp_avg=torch.zeros(3, 1).expand(3, 2)),
]


def test_a_state_that_was_kept_is_taken() -> None:
    kept = adam()
    other = adam()
    other.load_state_dict(kept.state_dict())
    check_optimizer(other)
    check_optimizer(torch.optim.Adam([torch.nn.Parameter(torch.ones(2))]))


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_state_that_belongs_to_nothing_is_refused(damage: Callable[[torch.optim.Adam], object]) -> None:
    optimizer = adam()
    damage(optimizer)
    with pytest.raises(ValueError, match="optimizer"):
        check_optimizer(optimizer)
