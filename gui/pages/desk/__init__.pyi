from .agreement import AgreementDialog
from .handlers import DeskActions
from .page import Desk
from .sequence_actions import SequenceActions

__all__ = ["AgreementDialog", "Desk", "DeskActions", "SequenceActions"]
