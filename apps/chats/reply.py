"""One reply while it runs: it asks the provider, speaks into its chat's log, and saves how it ended."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from math import inf

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError

from apps.agents import budgets, calls, minds
from apps.agents.attempts import Attempts, SaidEnough, require_an_end
from apps.agents.calls import Called
from apps.agents.providers.base import Handoff, ProviderError, Usage
from apps.chats import citations, conversations, events, explanations, measures, prompts, relay
from apps.chats.chatlog import ChatLog
from apps.chats.coalescer import Coalescer
from apps.chats.conversations import Claim, Finished, Outcome
from apps.chats.deadlines import Watchdog
from apps.chats.entries import Entry
from apps.chats.leases import Lease
from apps.chats.models import Explanation
from apps.chats.prompts import Composed
from apps.knowledge import retrieval
from apps.knowledge.retrieval import Ahead
from apps.tenants import scope
from apps.tenants.hops import hop

logger = logging.getLogger(__name__)
LET_GO = ("fenced", "lost")  # reasons after which nothing is saved: somebody else has ended it, or will
PAUSE = 0.2
UNSAVABLE = Outcome("failed", reason="internal", retryable=True)

Ended = Callable[["Reply", Finished | None], None]


class Reply:
    """One running reply: its exchange, the log it speaks into, and the task that speaks. `ended` is told what was saved."""

    task: "asyncio.Task[None]"

    def __init__(
        self,
        claim: Claim,
        log: ChatLog,
        lease: Lease,
        received_at: float,
        ended: Ended,
        ahead: Ahead | None = None,
    ) -> None:
        self.claim, self.log, self._ahead = claim, log, ahead
        self._lease, self._ended = lease, ended
        self.exchange = claim.exchange
        self._told: Composed | None = None
        self._given: tuple[str, ...] = ()
        self._timings: dict[str, int | None] = {}
        self._attempts: Attempts | None = None
        self.wants_person = False
        self.first_token_ms: int | None = None
        self._sieve = citations.Sieve()
        self._said = Coalescer(self._emit, sieve=self._sieve.pass_on)
        self._said.on_open = self._may_go_on
        self._written = relay.Writing(relay.key(log.tenant_id.hex, log.chat_id.hex), claim.exchange.epoch)
        self._received_at = received_at
        self._why: str | None = None
        self._has_begun = self._is_saving = False
        self._held: list[str] = []
        self._holds = 0
        self._grace: asyncio.TimerHandle | None = None
        self._looking: asyncio.Task[None] | None = None

    @property
    def spoken(self) -> Sequence[Entry]:
        return self._written.entries

    @property
    def told(self) -> list[str]:
        """The deltas that its readers were told."""
        return [entry.said for entry in self.spoken]

    def stop(self, reason: str) -> bool:
        """Cancel once: a second cancellation would interrupt the saving of what was said, and one before the task's first
        step would never reach `run`. False where it has said all it had to say."""
        if self._why is None and not self._is_saving:
            self._why = reason
            if self._has_begun:
                self.task.cancel()
        return self._why is not None

    def fenced(self, epoch: int) -> None:
        if self.exchange.epoch < epoch:
            self.stop("fenced")

    def left(self) -> None:
        """Go on for a while: the reader's line may be back in a moment."""
        loop = asyncio.get_running_loop()
        if self._grace is not None:
            self._grace.cancel()
        self._grace = loop.call_later(settings.REPLY_GRACE_SECONDS, self._look_for_readers)

    def hold(self) -> None:
        """Tell nothing more until `release`: somebody is about to end this reply with the text that was told."""
        self._holds += 1

    def release(self) -> None:
        self._holds -= 1
        if self._holds == 0:
            held, self._held = self._held, []
            for text in held if self._why is None else ():
                self._emit(text)

    async def run(self) -> None:
        """Answer and save, whatever happens."""
        watchdog = self._watchdog = Watchdog(lambda which: self.stop(f"timeout:{which}"))
        with scope.scoped_to(self.log.tenant_id):
            try:
                self._has_begun = True
                if self._why is not None:
                    raise asyncio.CancelledError
                await self._answer(watchdog)
            except asyncio.CancelledError:
                await self._cancelled()
            except ProviderError as error:
                logger.warning("Provider of agent %s: %s", self.claim.agent.id, error)
                self.wants_person = self.wants_person or self.claim.agent.hands_over
                await self._end(self._failure(f"provider_{error.kind}", retryable=error.retryable))
            except Exception:
                logger.exception("Reply to exchange %s failed", self.exchange.id)
                await self._end(self._failure("internal", retryable=True))
            finally:
                watchdog.stop()
                if self._grace is not None:
                    self._grace.cancel()

    async def _answer(self, watchdog: Watchdog) -> None:
        agent, question, history = self.claim.agent, self.exchange.request, self.claim.history
        able = self.claim.able or await hop(minds.of)(agent.minds)
        ahead, self._ahead = self._ahead, None
        begun = {"history": history, "shelf": self.claim.shelf, "begun": ahead}
        found = await retrieval.search(agent.id, question, **begun)
        self._timings["found"] = self._elapsed_ms()
        told = self._told = prompts.compose(agent, question, history=history, found=found)
        self._sieve.given = len(told.given)
        self._given = tuple(str(id) for one in told.given for id in one.ids)
        if agent.only_from_knowledge and not told.given:
            able = (minds.quoting(),)  # a model would have nothing but what it must not answer from
        self._attempts = Attempts(able, told.prompt, self._is_afforded)
        self._said.most = budgets.paid_for(agent, self.claim.reserved)
        await self._attempts.tell(self._said, self._note)
        watchdog.stop()
        self._sieve.end()
        self._said.flush()
        if not self._said.text.strip():  # all of it was invented, or nothing that a reader would see
            self._said.most, self._said.on_open = inf, _nothing
            self._said.add(agent.refusal)
            self._said.flush()
        cited = citations.resolve(self._said.text, told.given)
        await self._end(self._outcome("completed", citations=tuple(cited), grounded=bool(cited)))

    async def _is_afforded(self) -> bool:
        """Whether budgets have room for one more call, where the last may have used up what is reserved."""
        if self.claim.reserved is None:
            return True
        with suppress(OperationalError, InterfaceError):
            again = hop(budgets.reserve_again)
            return await again(self.exchange.id, self.claim.agent, self.claim.reserved)
        return False

    def _may_go_on(self) -> None:
        """Raises SaidEnough where all is said that is paid for, ProviderError where it does not end."""
        if self._said.pieces >= self._said.most:
            raise SaidEnough
        require_an_end(self._said.length)

    def _note(self, piece: Usage | Handoff) -> None:
        self.wants_person = self.wants_person or isinstance(piece, Handoff)

    async def _cancelled(self) -> None:
        why = self._why or "lost"
        if why in LET_GO:
            await self._keep()
            return
        if why.startswith("timeout:"):
            logger.warning("Provider of agent %s: %s took too long", self.claim.agent.id, why)
            if self._attempts is not None:
                self._attempts.blame("timeout", why)
            await self._end(self._failure("provider_timeout", retryable=True))
        else:
            await self._end(self._outcome("stopped", reason=why))

    def _failure(self, code: str, *, retryable: bool) -> Outcome:
        return self._outcome("failed", reason=code, retryable=retryable)

    def _outcome(self, state: str, **known: object) -> Outcome:
        self._said.flush()
        made = self._calls()
        spent = calls.total(made)
        return Outcome(
            state=state,
            response=self._said.text,
            given=self._given,
            cuts=tuple(len(piece) for piece in (*self.told, *self._held)),
            usage={"input_tokens": spent.input_tokens, "output_tokens": spent.output_tokens},
            first_token_ms=self.first_token_ms,
            total_ms=self._elapsed_ms(),
            wants_person=self.wants_person,
            spent=spent,
            calls=made,
            explanation=self._explanation(),
            **known,  # type: ignore[arg-type]
        )

    def _calls(self) -> tuple[Called, ...]:
        """What was asked, of whom, and what it took; nothing where it ended before."""
        if self._told is None or self._attempts is None:
            return ()
        return explanations.called(
            self._attempts.made, self._told, pieces=self._said.pieces, said=self._said.text
        )

    def _explanation(self) -> Explanation | None:
        if self._told is None:
            return None
        timings = {**self._timings, "first_token": self.first_token_ms, "total": self._elapsed_ms()}
        return explanations.of(self._told, self._attempts.made if self._attempts else [], timings)

    async def _end(self, outcome: Outcome) -> None:
        """Save; where that is not possible before the lease runs out, somebody else will answer."""
        self._is_saving = True
        while self._lease.is_valid:
            try:
                finished = await hop(conversations.finish)(self.exchange, outcome, holder=self._lease.id)
                if finished is None:
                    await self._keep()
                else:
                    measures.ended(outcome.state, outcome.reason, self.first_token_ms, outcome.usage)
                self._ended(self, finished)
                return
            except (OperationalError, InterfaceError) as error:
                logger.warning("Exchange %s could not be saved yet: %s", self.exchange.id, error)
                await asyncio.sleep(PAUSE)
            except Exception:
                logger.exception("Exchange %s cannot be saved as it is", self.exchange.id)
                if outcome is UNSAVABLE:  # not even that: give up, and let it be tried anew
                    break
                outcome = _reduced(outcome)
        await self._keep()
        self._ended(self, None)

    async def _keep(self) -> None:
        """Somebody else ends this reply, or has: what it took is on record nevertheless, as far as the database can be reached."""
        with suppress(DatabaseError, InterfaceError):
            await hop(conversations.keep)(self.claim, self.told, self._calls(), self._explanation())

    def _emit(self, text: str) -> None:
        self._watchdog.fed()
        if self._holds:
            self._held.append(text)
            return
        if self.first_token_ms is None:
            self.first_token_ms = self._elapsed_ms()
        entry = events.delta(self.exchange.number, self.exchange.epoch, len(self._written.entries), text)
        self._written.add(entry)
        self.log.hear((entry,))

    def _look_for_readers(self) -> None:
        if not self.log.readers:
            self._looking = asyncio.create_task(self._stop_if_unwatched())

    async def _stop_if_unwatched(self) -> None:
        if await relay.is_watched(self._written.name):
            self.left()
        elif not self.log.readers:
            self.stop("visitor_left")

    def _elapsed_ms(self) -> int:
        return round((time.perf_counter() - self._received_at) * 1000)


def _nothing() -> None: ...


def _reduced(outcome: Outcome) -> Outcome:
    """What is left to try where an outcome cannot be saved: the answer without its accounts, and then no answer."""
    has_accounts = outcome.calls or outcome.explanation is not None
    return replace(outcome, calls=(), explanation=None) if has_accounts else UNSAVABLE
