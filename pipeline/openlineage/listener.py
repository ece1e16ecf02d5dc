"""Turns works into state changes: who is whose parent, what is remembered for the case of a kill, what is sent."""

from __future__ import annotations

from pipeline.openlineage.journal import EndedJournal, Journal
from pipeline.openlineage.sender import Sender
from pipeline.openlineage.state_changes import (
    ENDED,
    PARENT,
    ROOT_PARENT,
    Begun,
    State,
    StateChange,
    as_variable,
    describe_error,
    end_state,
    given_parent,
)
from waybill.observing.work import Work


class EventListener:
    """Notes the works of this process; the work that is under way is the parent of the next one."""

    def __init__(self, journal: Journal, sender: Sender) -> None:
        """Take where works are remembered and where state changes are sent."""
        self._journal, self._sender = journal, sender
        self._under_way: list[Begun] = []
        self._parent = given_parent(PARENT)
        self._root = given_parent(ROOT_PARENT) or self._parent

    def close_ended(self, journal: EndedJournal) -> None:
        """Close the works of a killed process as failed, the innermost first; remove its journal when that is sent.

        A START that was not sent before the kill is sent first.
        """
        unfinished = journal.unfinished()
        starts = [StateChange("START", begun, at=begun.at) for begun, is_started in unfinished if not is_started]
        ends = [StateChange("FAIL", begun, ENDED) for begun, _ in reversed(unfinished)]
        self._sender.put(*starts, *ends, then=lambda is_sent: journal.close(is_done=is_sent))

    def started(self, work: Work) -> None:
        """Note that some work begins, inside the work that is under way."""
        self._under_way.append(self.begin(work))

    def ended(self, work: Work, error: BaseException | None) -> None:
        """Note that the work that began last has ended; after the outermost one, wait for what is not sent yet."""
        while self._under_way and self._under_way[-1].work is not work:
            self.end(self._under_way.pop(), error)
        if self._under_way:
            self.end(self._under_way.pop(), error)
        if not self._under_way:
            self._sender.finish()

    def environment(self) -> dict[str, str]:
        """Return the variables by which a process names the work that is under way as the parent of its work."""
        if not self._under_way:
            return {}
        parent = self._under_way[-1]
        return {PARENT: as_variable(parent.named), ROOT_PARENT: as_variable(parent.root or parent.named)}

    def begin(self, work: Work) -> Begun:
        """Note the start of some work that may run beside others, as part of the work that is under way."""
        parent = self._under_way[-1] if self._under_way else None
        named = parent.named if parent else self._parent
        begun = Begun(work, named, (parent.root or parent.named) if parent else self._root)
        self._journal.begin(begun)
        self._sender.put(
            StateChange("START", begun, at=begun.at),
            then=lambda is_sent: self._journal.started(begun) if is_sent else None,
        )
        return begun

    def end(self, begun: Begun, error: BaseException | None) -> None:
        """Note the end of some work, which the error stopped, if there is one."""
        self.end_as(end_state(error), begun, describe_error(error))

    def end_as(self, state: State, begun: Begun, message: str | None = None) -> None:
        """Note the end of some work in this state; the message says why it was not completed."""
        self._sender.put(StateChange(state, begun, message), then=lambda _: self._journal.end(begun))
