from .agreement import AgreementDialog
from .handlers import DeskActions
from .page import Desk

__all__ = ["AgreementDialog", "Desk", "DeskActions"]
