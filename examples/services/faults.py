"""What a call of a service raises that is no refusal, however it is called.

Here belongs what a flow has to know of it, which is imported without what calls services: the ``Retry`` of an action
names `Unavailable`. Whatever else is raised, `Unclear` among it, leaves the effect unknown.
"""

from __future__ import annotations


class Unavailable(Exception):
    """The service did not take the call. It may be made again, under the same key."""


class Unclear(Exception):
    """The call may have been taken, and nobody can say what came of it."""
