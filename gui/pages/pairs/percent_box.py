"""A number box for a share of the pixels."""

from PySide6.QtWidgets import QDoubleSpinBox


class PercentBox(QDoubleSpinBox):
    """A share of the pixels, shown in percent."""

    def __init__(self) -> None:
        super().__init__(minimum=0.0, maximum=100.0, singleStep=1.0, decimals=2, suffix=" % of the pixels")

    @property
    def fraction(self) -> float:
        """The share, 0…1."""
        return round(self.value() / 100, 6)

    def set_fraction(self, fraction: float) -> None:
        """Show a share, 0…1."""
        self.setValue(100 * fraction)

    def textFromValue(self, value: float) -> str:
        """Return the number without zeros at its end."""
        return self.locale().toString(value, "g", 6)
