"""An answer on the page, while it comes and when it is complete."""

import re
from collections.abc import Iterable
from typing import Any

import chainlit as cl
from chainlit.message import MessageBase
from chainlit.utils import utc_now
from langchain_core.messages import AnyMessage

from agent_client.events import Answered, CallEnded, CallStarted, Event, Retracted, Text, Thought
from agent_client.history import STOPPED, data_of, results_of
from agent_client.web.lists import Listing, listings_of
from agent_client.web.published import Published
from agent_client.web.subjects import Subjects
from agent_client.web.words import Words
from recsys_shared.plain_text import one_line

ARGUMENTS_LENGTH = 60
"""Characters of the arguments in the title of a step; inside the step they are whole."""


LONGEST_WORD = 500
"""Characters before a piece of an answer that tell whether it goes on with an address."""


class ShownAnswer:
    """An answer on the page: thoughts, texts, a step for each tool call, lists, a warning, notes and buttons.

    Args:
        question: The ID of the message that asked.
        model: The name of the model that answers; empty where there is no other.
    """

    def __init__(self, published: Published, question: str, model: str) -> None:
        self._published, self._words = published, Words(published.fields)
        self._subjects = Subjects(self._words)
        self._about = {"question": question, "model": model}
        self._text: cl.Message | None = None
        self._thought: cl.Step | None = None
        self._steps: dict[str, cl.Step] = {}
        """Steps of the calls, by call."""

    def read(self, earlier: Iterable[AnyMessage]) -> None:
        """Learn from the conversation so far what its IDs and sets are of."""
        for call, result in results_of(earlier):
            self._subjects.learn(call["args"], data_of(result))

    async def show(self, event: Event) -> None:
        if not isinstance(event, Thought):
            await self._settle_thought()
        match event:
            case Thought(text):
                if self._thought is None:
                    await self._settle_text()
                    self._thought = _step("Thinking", type="llm", icon="brain", show_input=False)
                await self._thought.stream_token(text)
            case Text(text):
                if self._text is None and text.strip():
                    self._text = cl.Message(content="")
                if self._text is not None:
                    await self._text.stream_token(_as_prose(text, self._text.content))
            case Retracted() if self._text is not None:
                await self._text.remove()
                self._text = None
            case CallStarted():
                await self._settle_text()
                await self._begin(event)
            case CallEnded():
                await self._end(event)
            case Answered():
                await self._finish(event)

    async def _settle_thought(self) -> None:
        if self._thought is not None:
            self._thought.name = f"Thoughts ({len(self._thought.output.split())} words)"
            self._thought.end = utc_now()
            await self._thought.send()
        self._thought = None

    async def _settle_text(self) -> None:
        if self._text is not None:
            await self._text.send()
        self._text = None

    async def _begin(self, call: CallStarted) -> None:
        asked = one_line(", ".join(self._subjects.of(call.arguments)), ARGUMENTS_LENGTH)
        title = self._published.titles.get(call.tool) or self._words.label(call.tool)
        step = _step(f"{title}: {asked}" if asked else title, type="tool", icon="wrench", show_input="json")
        step.input = call.arguments
        self._steps[call.id] = step
        await step.send()

    async def _end(self, call: CallEnded) -> None:
        self._subjects.learn(call.arguments, call.structured)
        step = self._steps[call.id]
        step.name += f" ({call.seconds:.2f} s)"
        await _end_step(step, call.text if call.structured is None else call.structured, call.failed)

    async def _finish(self, answer: Answered) -> None:
        if self._text is None and answer.text:
            self._text = cl.Message(content=_as_prose(answer.text))  # from an endpoint that does not stream
        if self._text is None:
            await self.fail(" ".join(answer.notes))
            return
        listings = listings_of(answer, self._words, self._published.cards)
        elements = [self._element(listing) for listing in listings]
        if answer.unsupported:
            elements.append(cl.CustomElement(name="Unsupported", props={"names": answer.unsupported}))
        if answer.notes:
            elements.append(cl.CustomElement(name="Notes", props={"notes": answer.notes}))
        lists, call = [listing.as_props() for listing in listings], listings[-1].call if listings else None
        beside = [self._steps[each.id].id for each in answer.calls if each is not call and each.structured]
        found = {"tool": call.tool, "step": self._steps[call.id].id, "beside": beside} if call else {}
        elements.append(self._follow_ups(text=answer.text, lists=lists, **found))
        said = self._text
        await self._settle_text()
        for element in elements:
            await element.send(for_id=said.id)

    def _element(self, listing: Listing) -> cl.CustomElement:
        """The server's own page for a list, or ours."""
        call, props = listing.call, listing.as_props()
        if call.tool not in self._published.cards:
            return cl.CustomElement(name="Listing", props=props)
        result = {"content": [{"type": "text", "text": call.text}], "structuredContent": call.structured}
        given = {"arguments": call.arguments, "result": result, "listing": props}
        return cl.CustomElement(name="Card", props={**self._published.cards[call.tool], **given})

    def _follow_ups(self, **props: Any) -> cl.CustomElement:
        return cl.CustomElement(name="FollowUps", props={**self._about, **props})

    async def stop(self) -> None:
        """Say that the answer is broken off."""
        await self._break_off(cl.Message(content=STOPPED))

    async def fail(self, message: str) -> None:
        """Say why there is no answer."""
        await self._break_off(cl.ErrorMessage(content=_as_prose(message)))

    async def _break_off(self, said: MessageBase) -> None:
        await self._settle_thought()
        await self._settle_text()
        for step in self._steps.values():
            if step.end is None:
                await _end_step(step, "Broken off: there is no result.", is_error=True)
        await said.send()
        await self._follow_ups().send(for_id=said.id)


def _as_prose(text: str, before: str = "") -> str:
    """The text with an invisible character after colons that Chainlit would take, with the word after them, for a
    directive: it shows nothing of ":Impossible". Addresses and code are left alone.

    Args:
        before: The text that this one goes on with.
    """
    begun = "`" if before.count("`") % 2 else before[-LONGEST_WORD:].rpartition(" ")[2]
    return re.sub(r"(`[^`]*`?|://\S*)|:(?=[A-Za-z])", lambda found: found[1] or ":\u2060", begun + text)[len(begun) :]


def _step(name: str, **options: Any) -> cl.Step:
    """A step that begins now, below the question."""
    run = cl.context.current_run
    step = cl.Step(name=name, parent_id=None if run is None else run.id, **options)
    step.start = utc_now()
    return step


async def _end_step(step: cl.Step, output: Any, is_error: bool) -> None:
    step.output, step.is_error, step.end = output, is_error, utc_now()
    await step.update()
