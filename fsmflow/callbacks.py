"""The callables of a step: how each is found, checked and called.

Here belongs the one rule by which a validator, a transformer or a message becomes a call, and nothing of what its
result means. The rule:

- a plain function or lambda whose first parameter is named ``self`` is called with the flow; if the flow's class holds
  it, or else has an attribute of its name, that attribute is called instead, so that a subclass which overrides it is
  obeyed. What the class holds is looked for first: a decorator that does not keep the name of what it wraps would
  otherwise lead to another method;
- a staticmethod or classmethod object is the class's attribute that holds it, else what it wraps;
- anything else (a bound method, a function of a library, a partial) is called as it is.

Signatures are checked here, when a class is made, so that a missing parameter is not found by a member.
"""

from __future__ import annotations

import builtins
import functools
import inspect
from collections.abc import Callable
from enum import Enum
from typing import Any, get_type_hints

from attrs import frozen

from fsmflow.calls import Call
from fsmflow.errors import FlowDefinitionError


class Binding(Enum):
    """How a callable gets its flow."""

    METHOD = "the attribute of its name on the flow"
    FUNCTION = "the function itself, with the flow as first argument"
    PLAIN = "the callable itself, without the flow"


@frozen
class Callback:
    """A callable of a step, understood.

    Args:
        name: What it is called in diagrams and errors.
        binding: How it gets its flow.
        own: True if it is code of the flow's: only such a validator may answer None for "accepted". A function of a
            library is not, even as a staticmethod: ``fullmatch`` says "no" by None.
        is_async: True if what it returns must be awaited.
        returns: The resolved annotation of what it returns, or None where there is none.
    """

    name: str
    binding: Binding
    own: bool
    is_async: bool
    returns: Any = None

    def call(self, flow: object, function: Callable[..., Any], *arguments: object) -> Call:
        """The call of `function`, which is this callback's on that flow's own step, for that flow."""
        if self.binding is Binding.METHOD:
            return Call(getattr(flow, self.name), arguments)
        if self.binding is Binding.FUNCTION:
            return Call(function, (flow, *arguments))
        return Call(function, arguments)


def callable_of(written: Any) -> Any:
    """What is called of a callable as a step has it: a staticmethod is called as what it holds."""
    return written.__func__ if isinstance(written, (staticmethod, classmethod)) else written


def understand(
    owner: type, step_id: str | None, role: str, function: Any, *, arguments: int, returns: bool
) -> Callback:
    """Finds how a callable of a step is to be called, and checks that it can be.

    Args:
        owner: The flow's class.
        step_id: The step that the callable belongs to, or None for the flow's own.
        role: ``"validator"``, ``"transformer"``, ``"message"`` or ``"closing"``.
        function: The callable.
        arguments: How many arguments it is given besides the flow.
        returns: True if the annotation of its result is needed.

    Returns:
        The callback.

    Raises:
        FlowDefinitionError: It is not callable, takes other arguments, or its annotation cannot be resolved.
    """
    target, binding, attribute = _resolve(owner, function)
    name = attribute or getattr(target, "__name__", None)
    if not isinstance(name, str) or not (name.isidentifier() or _names_itself(target)):
        name = role if step_id is None else f"{step_id}_{role}"
    if not callable(target):
        raise FlowDefinitionError(owner.__name__, step_id, f"the {role} must be callable, {name} is not")
    count = arguments + (1 if _takes_flow(owner, target, binding, name) else 0)
    try:
        inspect.signature(target).bind(*([None] * count))
    except TypeError:
        wanted = "(self, value)" if arguments else "(self)"
        plain = "(value)" if arguments else "()"
        shape = f"{wanted} as a method, {plain} otherwise"
        raise FlowDefinitionError(owner.__name__, step_id, f"the {role} {name} must take {shape}") from None
    except ValueError:
        pass  # some callables written in C tell no signature; they are found out when they are first called
    return Callback(
        name=name,
        binding=binding,
        own=_is_own(owner, target, binding),
        is_async=_is_async(target),
        returns=_return_annotation(owner, step_id, role, name, target) if returns else None,
    )


def _resolve(owner: type, function: Any) -> tuple[Any, Binding, str | None]:
    """What is really called, as it is seen from the class, and the attribute that it is, if it is one."""
    wrapped = isinstance(function, (staticmethod, classmethod))
    if wrapped or (inspect.isfunction(function) and _wants_flow(owner, function)):
        name = str(getattr(function.__func__ if wrapped else function, "__name__", ""))
        holders = _holders(owner, function)
        if not holders and not wrapped and name.isidentifier() and _defines(owner, name):
            holders = (name,)
        if holders:
            attribute = name if name in holders else holders[0]
            return getattr(owner, attribute), Binding.METHOD, attribute
    if wrapped:
        return function.__func__, Binding.PLAIN if isinstance(function, staticmethod) else Binding.FUNCTION, None
    if inspect.isfunction(function) and _wants_flow(owner, function):
        return function, Binding.FUNCTION, None
    return function, Binding.PLAIN, None


def _names_itself(target: Any) -> bool:
    """True for an object whose type makes a name for it, as the ready validators do: "whole number, 1 to 10".

    That of a function need be none: a lambda's is ``<lambda>``.
    """
    made = inspect.getattr_static(type(target), "__name__", None)
    return isinstance(made, property) and str(target.__name__).isprintable()


def _defines(owner: type, name: str) -> bool:
    """True if a flow's own class has an attribute: that Flow itself has one of that name is a coincidence."""
    definer = next((base for base in owner.__mro__ if name in vars(base)), object)
    return definer is not object and not definer.__module__.startswith(f"{__package__}.")


def _holders(owner: type, function: Any) -> tuple[str, ...]:
    """The attributes under which the class, or a base of it, holds this very object."""
    named = (pair for base in owner.__mro__ for pair in vars(base).items())
    return tuple(name for name, held in named if held is function and name.isidentifier())


def _wants_flow(owner: type, function: Callable[..., Any]) -> bool:
    parameters = list(inspect.signature(function).parameters.values())
    if parameters and parameters[0].name == "self":
        return True
    # A decorator without functools.wraps hides "self" behind *args; then the class that holds the function tells.
    hidden = bool(parameters) and parameters[0].kind is inspect.Parameter.VAR_POSITIONAL
    return hidden and bool(_holders(owner, function))


def _takes_flow(owner: type, target: Any, binding: Binding, name: str) -> bool:
    if binding is Binding.METHOD:
        # seen from the class a method still lacks its self; a staticmethod and a classmethod do not
        unbound = inspect.isfunction(target) or inspect.ismethoddescriptor(target)  # the latter: str.isdigit, a cache
        return unbound and not isinstance(inspect.getattr_static(owner, name), staticmethod)
    return binding is Binding.FUNCTION


def _is_own(owner: type, target: Any, binding: Binding) -> bool:
    if binding is Binding.PLAIN:
        return inspect.ismethod(target) and isinstance(target.__self__, owner)
    function = getattr(target, "__func__", target)
    takes_flow = inspect.isfunction(function) and _wants_flow(owner, function)
    return takes_flow or getattr(function, "__module__", None) in {base.__module__ for base in owner.__mro__[:-1]}


def _is_async(target: Any) -> bool:
    # every layer is looked at: an async decorator around a plain function must be awaited, and so must what a plain
    # decorator hands on from an async one
    while target is not None:
        if inspect.iscoroutinefunction(target):
            return True
        if not isinstance(target, type) and inspect.iscoroutinefunction(getattr(target, "__call__", None)):  # noqa: B004 - the method itself is looked at, not whether there is one
            return True
        # as functools.wraps leaves it; a proxy that has an answer to every attribute would wrap for ever
        wrapped = getattr(target, "__dict__", {}).get("__wrapped__")
        target = target.func if isinstance(target, functools.partial) else wrapped
    return False


def _return_annotation(owner: type, step_id: str | None, role: str, name: str, target: Any) -> Any:
    while isinstance(target, functools.partial):
        target = target.func
    if isinstance(target, type):
        return target
    target = inspect.unwrap(target)
    if not hasattr(target, "__code__") and not hasattr(target, "__func__"):
        target = getattr(type(target), "__call__", target)  # noqa: B004 - a callable object's method has its annotation
    raw = getattr(target, "__annotations__", {}).get("return", inspect.Signature.empty)
    if raw is inspect.Signature.empty:
        return None
    visible: dict[str, Any] = {}
    for base in reversed(owner.__mro__):
        visible.update(vars(base))  # a class within the class; but a method named date is not what "-> date" means
    visible.update(vars(builtins), **getattr(getattr(target, "__func__", target), "__globals__", {}))
    try:
        return evaluated(raw, visible)
    except Exception as fault:
        wanted = f"the return annotation {raw!r} of the {role} {name} must name something that exists at run time"
        raise FlowDefinitionError(owner.__name__, step_id, wanted) from fault


def evaluated(annotation: Any, visible: dict[str, Any]) -> Any:
    """An annotation with every name in it looked up, also those in quotes within ``Optional["Money"]``."""

    def holder() -> None: ...

    holder.__annotations__ = {"return": annotation}
    return get_type_hints(holder, visible, include_extras=True)["return"]
