"""The flows of a runner: which there are, what starts each, and how one is made for a member.

Here belongs all that is decided when a runner is made: that flow types and keywords are unique, that a synchronous
runner is given no flow that must be awaited. It is pure: nothing here is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Union

from attrs import evolve, frozen

from fsmflow.definition import KEYWORD_LIMIT, Definition
from fsmflow.errors import AsyncFlowError, FlowDefinitionError
from fsmflow.flow import Flow
from fsmflow.identity import Member
from fsmflow.messages import Channel
from fsmflow.wording import folded, starters

Flows = Union[Sequence[type[Flow[Any]]], Mapping[str, type[Flow[Any]]]]


@frozen
class Registration:
    """One flow of a runner.

    Args:
        flow: Its class.
        flow_type: What it is registered as.
        keywords: What starts it, the first one being what members are told.
        shown: That first one, as it is written.
        requires_auth: True if only who is signed in may go through it.
    """

    flow: type[Flow[Any]]
    flow_type: str
    keywords: tuple[str, ...]
    shown: str
    requires_auth: bool = False

    @property
    def has_steps(self) -> bool:
        """True if its class has its steps; False if it builds them from the state structure."""
        return self.flow._compiled is not None


@frozen
class Registry:
    """The flows of a runner.

    Args:
        registrations: By flow type.
        starts: The flow type that each keyword starts.
        default: The flow type that any other message starts, or None.
        sign_in: The flow type that signs a member in, or None.
    """

    registrations: Mapping[str, Registration]
    starts: Mapping[str, str]
    default: str | None
    sign_in: str | None = None

    @classmethod
    def of(
        cls,
        flows: Flows,
        *,
        default: str | type[Flow[Any]] | None = None,
        sign_in: str | type[Flow[Any]] | None = None,
        asynchronous: bool = False,
    ) -> Registry:
        """Makes the registry of a runner.

        Args:
            flows: Flow classes, or flow classes by flow type (which a class that builds its steps itself needs).
            default: The flow that is started by a message which is no keyword: its flow type or its class.
            sign_in: The flow that signs a member in, likewise.
            asynchronous: True if what must be awaited can be.

        Returns:
            The registry.

        Raises:
            FlowDefinitionError: A flow type or a keyword is used twice, a class cannot be constructed, there is no
                such default or sign-in, or the sign-in itself is for those who are signed in.
            AsyncFlowError: A flow must be awaited, and the runner is synchronous.
        """
        if isinstance(flows, (type, str)):
            raise FlowDefinitionError("FlowRunner", None, "flows is a list of flow classes, or a dict of them")
        unnamed = () if isinstance(flows, Mapping) else flows
        named = list(flows.items()) if isinstance(flows, Mapping) else []
        named += [(getattr(flow, "flow_type", ""), flow) for flow in unnamed]
        registrations: dict[str, Registration] = {}
        starts: dict[str, str] = {}
        for flow_type, flow in named:
            registration = _register(flow_type, flow)
            if flow_type in registrations:
                wanted = f"the flow type {flow_type!r} is also that of {registrations[flow_type].flow.__name__}"
                raise FlowDefinitionError(flow.__name__, None, wanted)
            registrations[flow_type] = registration
            for keyword in registration.keywords:
                if keyword in starts:
                    raise FlowDefinitionError(
                        flow.__name__, None, f"the keyword {keyword!r} also starts {starts[keyword]!r}"
                    )
                starts[keyword] = flow_type
            sample = sample_flow(flow, flow_type)
            if sample.definition.requires_auth:
                registrations[flow_type] = evolve(registration, requires_auth=True)
            if not asynchronous:
                _check_sync(sample.definition)
        if not registrations:
            raise FlowDefinitionError("FlowRunner", None, "a runner needs at least one flow")
        way_in = _named(registrations, sign_in, "sign_in")
        if way_in is not None and registrations[way_in].requires_auth:
            flow = registrations[way_in].flow
            raise FlowDefinitionError(
                flow.__name__, None, "what signs members in cannot be for those who are signed in"
            )
        return cls(registrations, starts, _named(registrations, default, "default"), way_in)

    def started_by(self, text: str | None) -> str | None:
        """The flow type that a typed text starts, or None."""
        return None if text is None or len(text) > KEYWORD_LIMIT else self.starts.get(folded(text))

    def keywords(self) -> tuple[str, ...]:
        """What members are told that they can send, one keyword for each flow."""
        return tuple(registration.shown for registration in self.registrations.values())


def _register(flow_type: Any, flow: Any) -> Registration:
    if not isinstance(flow, type) or not issubclass(flow, Flow):
        raise FlowDefinitionError(str(flow), None, "flows holds subclasses of Flow")
    if not isinstance(flow_type, str) or not flow_type or any(mark.isspace() for mark in flow_type):
        raise FlowDefinitionError(flow.__name__, None, "a flow needs a flow_type, without white space")
    told = starters(flow.keywords, flow_type)
    typed = told if flow.keywords else (*told, flow_type)
    return Registration(flow, flow_type, tuple(dict.fromkeys(map(folded, typed))), told[0])


def _named(registrations: Mapping[str, Registration], named: str | type[Flow[Any]] | None, role: str) -> str | None:
    """The flow type of a named flow; a class is looked for among the flows, as it may be registered as another type."""
    if named is None or named in registrations:
        return None if named is None else str(named)
    found = [flow_type for flow_type, registration in registrations.items() if registration.flow is named]
    if len(found) == 1:
        return found[0]
    told = named.__name__ if isinstance(named, type) else repr(named)
    wanted = "is none of its flows" if not found else f"is registered as {', '.join(found)}: name one of them"
    raise FlowDefinitionError("FlowRunner", None, f"the {role} {told} {wanted}")


def _check_sync(definition: Definition) -> None:
    if definition.asynchronous:
        names = ", ".join(definition.asynchronous)
        raise AsyncFlowError(definition.name, None, f"{names} must be awaited: use AsyncFlowRunner")


def sample_flow(flow: type[Flow[Any]] | Flow[Any], flow_type: str | None = None) -> Flow[Any]:
    """A flow to look at: of a class with steps, or of one that builds them, which is taken with its flow type.

    Args:
        flow: The class; an instance is returned as it is.
        flow_type: Which flow it is, for a class that builds its steps in ``__init__``.

    Returns:
        A flow at its first step, with a member and a channel that stand for any; one who is signed in, where that is
        asked for.

    Raises:
        FlowDefinitionError: The flow is written wrongly, or cannot be constructed as ``(flow_type, state)``.
    """
    if isinstance(flow, Flow):
        return flow
    sample = make_flow(flow, flow_type or flow.flow_type, "member", Channel("memory", "member"))
    if sample.definition.requires_auth:
        sample.member = Member("member")
    return sample


def make_flow(
    flow: type[Flow[Any]], flow_type: str, member_id: str, channel: Channel, structure: Mapping[str, Any] | None = None
) -> Flow[Any]:
    """A new flow of either form, for a member.

    Args:
        flow: The class.
        flow_type: Which flow it is registered as.
        member_id: Who it is with.
        channel: The member's address.
        structure: The state structure that a class which builds its steps is given; a bare one by default.

    Returns:
        The flow, at its first step.

    Raises:
        FlowDefinitionError: It cannot be constructed: the error it raised is the cause.
    """
    has_steps = flow._compiled is not None
    if structure is None and not has_steps:
        named = {"type": channel.type, "identifier": channel.identifier}
        data = {"flow_type": flow_type, "channel": dict(named)}
        flow_data = {"id": f"{flow_type}_{member_id}", "step": 0, "data": data}
        structure = {"member_id": member_id, "channel": named, "flow_data": flow_data}
    try:
        # a class with an __init__ of its own has a form that its base cannot tell
        built: Callable[..., Flow[Any]] = flow
        made = built(member_id=member_id, channel=channel) if has_steps else built(flow_type, structure)
    except FlowDefinitionError:
        raise
    except Exception as fault:
        form = "(member_id=…, channel=…)" if has_steps else "(flow_type, state)"
        raise FlowDefinitionError(flow.__name__, None, f"it must be constructible as {form}") from fault
    if not isinstance(getattr(made, "_definition", None), Definition):
        form = "(id, member_id=…, channel=…)" if has_steps else "(id, steps)"
        raise FlowDefinitionError(flow.__name__, None, f"its __init__ must call super().__init__{form}")
    if has_steps and flow_type != made.flow_type:
        made.id = f"{flow_type}_{member_id}"
    made.flow_type, made.member_id, made.channel = flow_type, member_id, channel
    return made
