"""Numbers as a person reads them."""


def percent(fraction: float | None, decimals: int | None = 0) -> str:
    """Return a fraction as a percentage, with a space before the sign: ``5 %``.

    Args:
        fraction: 0…1; None where there is none, which is written ``–``.
        decimals: Digits after the point; None for one below 9.5 %, and none above: ``0.4 %``, ``12 %``.
    """
    if fraction is None:
        return "–"
    if decimals is None:
        decimals = 0 if fraction >= 0.095 or fraction == 0 else 1
    return f"{100 * fraction:.{decimals}f} %"
