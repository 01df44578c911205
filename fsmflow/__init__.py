"""Conversations of many steps, as finite-state machines.

The names that people write against, and no logic. What belongs to one channel is in `fsmflow.channels`, what draws is
in `fsmflow.diagrams`, what tests is in `fsmflow.testing`, what builds messages is in `fsmflow.templates`.
"""

from fsmflow.audit import AuditEntry, FlowAuditLogger
from fsmflow.errors import (
    AsyncFlowError,
    Contended,
    FlowDefinitionError,
    FlowEnded,
    FlowFault,
    FsmflowError,
    InvalidMemberId,
    InvalidState,
    LimitExceeded,
    MissingExtra,
    NewerState,
    PayloadError,
    Refused,
    StoreUnavailable,
    UnexpectedVerdict,
    UnsendableMessage,
    UnstorableAnswer,
)
from fsmflow.flow import Flow
from fsmflow.manager import FlowStateManager
from fsmflow.messages import (
    ApprovedTemplate,
    Buttons,
    Channel,
    Inbound,
    ListMenu,
    Location,
    Media,
    Message,
    Option,
    Reply,
    Section,
    Text,
)
from fsmflow.runner import FlowRunner
from fsmflow.state import FlowData, MemberState
from fsmflow.step import Step, StepType
from fsmflow.wording import Sentences, Words

__all__ = [
    "ApprovedTemplate",
    "AsyncFlowError",
    "AuditEntry",
    "Buttons",
    "Channel",
    "Contended",
    "Flow",
    "FlowAuditLogger",
    "FlowData",
    "FlowDefinitionError",
    "FlowEnded",
    "FlowFault",
    "FlowRunner",
    "FlowStateManager",
    "FsmflowError",
    "Inbound",
    "InvalidMemberId",
    "InvalidState",
    "LimitExceeded",
    "ListMenu",
    "Location",
    "Media",
    "MemberState",
    "Message",
    "MissingExtra",
    "NewerState",
    "Option",
    "PayloadError",
    "Refused",
    "Reply",
    "Section",
    "Sentences",
    "Step",
    "StepType",
    "StoreUnavailable",
    "Text",
    "UnexpectedVerdict",
    "UnsendableMessage",
    "UnstorableAnswer",
    "Words",
]
