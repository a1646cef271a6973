"""The pool's state against a slow model that looks at everything, always.

The model keeps plain lists. After each event it walks along the whole queue, in order
of arrival, and serves whoever can be served, until nobody can: what the state finds
with its stacks, its heap and its counters has to be exactly that.
"""

import collections
import dataclasses
import itertools
import math

import hypothesis
import hypothesis.stateful
import hypothesis.strategies as st
import pytest
from hypothesis.stateful import consumes, invariant, precondition, rule

from httpcore_pool._state import Limits, PoolState, Slot, SlotState, Ticket, Work

pytestmark = pytest.mark.exhaustive

# Whether connections to it may turn out to carry many requests at once.
ORIGINS = {"plain": False, "other": False, "shared": True, "mixed": True}

IN_USE = (SlotState.RESERVED, SlotState.ACTIVE)


@dataclasses.dataclass(eq=False)
class Connection:
    """What the model knows of one slot."""

    slot: Slot[str]
    origin: str
    phase: SlotState = SlotState.DIALLING
    users: int = 1
    capacity: int = 1
    is_retiring: bool = False
    opened_at: float = 0.0
    idle_since: float = 0.0

    @property
    def has_room(self) -> bool:
        return self.phase in IN_USE and self.users < self.capacity and not self.is_retiring


@dataclasses.dataclass(eq=False)
class Request:
    """One request of the test, from its claim to its end."""

    origin: str
    ticket: Ticket[str] | None = None
    is_awake: bool = True
    connection: Connection | None = None


class Model:
    """What the pool's state should do, said as plainly as possible."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.connections: list[Connection] = []
        self.idle: list[Connection] = []  # in the order of becoming so
        self.queue: list[Request] = []
        self.shares: dict[str, bool] = {}
        self.doomed: list[str] = []
        self.granted: list[Ticket[str]] = []
        self.opened = self.reused = self.closed = self.retried = 0

    def of(self, origin: str) -> list[Connection]:
        return [connection for connection in self.connections if connection.origin == origin]

    def is_too_old(self, connection: Connection, now: float) -> bool:
        return now - connection.opened_at >= self.limits.age_seconds

    def may_dial(self, origin: str) -> bool:
        own = self.of(origin)
        if len(own) >= self.limits.connections_per_origin:
            return False
        if not ORIGINS[origin] or self.shares.get(origin) is False:
            return True
        return not any(connection.phase is SlotState.DIALLING for connection in own)

    def make_room(self) -> bool:
        if len(self.connections) < self.limits.connections:
            return True
        if not self.idle:
            return False
        self.doom(self.idle[0])
        return True

    def take(self, connection: Connection) -> Connection:
        if connection in self.idle:
            self.idle.remove(connection)
        if connection.users == 0:
            connection.phase = SlotState.RESERVED
        connection.users += 1
        self.reused += 1
        return connection

    def dial(self, origin: str, slot: Slot[str]) -> Connection:
        assert slot.state is SlotState.DIALLING
        assert all(connection.slot is not slot for connection in self.connections)
        connection = Connection(slot, origin)
        self.connections.append(connection)
        return connection

    def remove(self, connection: Connection) -> None:
        connection.phase = SlotState.CLOSED
        self.connections.remove(connection)
        if connection in self.idle:
            self.idle.remove(connection)

    def doom(self, connection: Connection) -> None:
        self.remove(connection)
        assert connection.slot.connection is not None
        self.doomed.append(connection.slot.connection)
        self.closed += 1

    def expire(self, now: float) -> None:
        for connection in self.idle.copy():
            if now - connection.idle_since >= self.limits.idle_seconds:
                self.doom(connection)

    # -- what happens --------------------------------------------------------------

    def claim(self, request: Request, given: Slot[str] | Ticket[str], now: float) -> None:
        """Checks what a claim was given, and notes it."""
        self.expire(now)
        request.connection = self.choose(request.origin, given, now)
        if request.connection is None:
            assert isinstance(given, Ticket)
            request.ticket = given
            request.is_awake = False
            self.queue.append(request)

    def choose(
        self, origin: str, given: Slot[str] | Ticket[str], now: float
    ) -> Connection | None:
        roomy = [connection for connection in self.of(origin) if connection.has_room]
        for connection in roomy:
            # Which of several is asked first is nobody's business, as long as those
            # that are too old are not used.
            if self.is_too_old(connection, now) and connection.slot.is_retiring:
                connection.is_retiring = True
            if connection.slot is given:
                assert not connection.is_retiring
                return self.take(connection)
        assert all(connection.is_retiring for connection in roomy)
        for connection in reversed(self.idle.copy()):
            if connection.origin == origin:
                if not self.is_too_old(connection, now):
                    assert connection.slot is given
                    return self.take(connection)
                self.doom(connection)
        if self.may_dial(origin) and self.make_room():
            assert isinstance(given, Slot)
            return self.dial(origin, given)
        return None

    def settle(self) -> None:
        while any(self.serve(request) for request in self.queue):
            pass

    def serve(self, request: Request) -> bool:
        """Serves a request that waits, if that is possible."""
        assert request.ticket is not None
        slot = request.ticket.slot
        own = self.of(request.origin)
        usable = [connection for connection in own if connection.has_room]
        usable = usable or [connection for connection in self.idle if connection in own][-1:]
        if usable:
            assert slot in [connection.slot for connection in usable]
            (connection,) = (each for each in usable if each.slot is slot)
            request.connection = self.take(connection)
        elif self.may_dial(request.origin) and self.make_room():
            assert slot is not None
            request.connection = self.dial(request.origin, slot)
        else:
            return False
        self.granted.append(request.ticket)
        self.queue.remove(request)
        return True

    def connected(self, connection: Connection, capacity: int, now: float) -> None:
        connection.phase = SlotState.RESERVED
        connection.capacity = capacity
        connection.opened_at = now
        self.opened += 1
        if ORIGINS[connection.origin]:
            self.shares[connection.origin] = capacity > 1
        self.settle()

    def failed(self, connection: Connection) -> None:
        self.remove(connection)
        self.settle()

    def redial(self, connection: Connection, *, is_retry: bool) -> None:
        connection.phase = SlotState.DIALLING
        connection.capacity = 1
        connection.is_retiring = False
        self.closed += 1
        self.retried += is_retry

    def release(self, connection: Connection, now: float, *, reusable: bool) -> None:
        connection.users -= 1
        if not reusable or self.is_too_old(connection, now):
            connection.is_retiring = True
        if connection.users == 0:
            if connection.is_retiring or connection.capacity < 1:
                self.doom(connection)
            else:
                connection.phase = SlotState.IDLE
                connection.idle_since = now
                self.idle.append(connection)
        self.settle()
        if connection.phase is SlotState.IDLE:
            self.expire(now)
            while len(self.idle) > self.limits.idle:
                self.doom(self.idle[0])

    def set_capacity(self, connection: Connection, capacity: int) -> None:
        connection.capacity = capacity
        if connection.phase is SlotState.IDLE and capacity < 1:
            self.doom(connection)
        self.settle()

    def retire(self, connection: Connection) -> None:
        connection.is_retiring = True
        if connection.phase is SlotState.IDLE:
            self.doom(connection)
        self.settle()

    def abandon(self, request: Request, now: float) -> None:
        if request.connection is None:
            self.queue.remove(request)
        elif request.connection.phase is SlotState.DIALLING:
            self.failed(request.connection)
        else:
            self.release(request.connection, now, reusable=True)

    def close(self) -> None:
        for connection in self.connections.copy():
            if connection.phase is not SlotState.DIALLING:
                self.doom(connection)
                continue
            if connection.slot.connection is not None:
                self.doomed.append(connection.slot.connection)
            self.remove(connection)
        for request in self.queue:
            assert request.ticket is not None
            self.granted.append(request.ticket)
        self.queue.clear()


# A limit of 0 hides what the others do, and infinity that there are any: most are small.
NO_LIMIT = math.inf

LIMITS = st.builds(
    Limits,
    connections=st.sampled_from([4, 5, 3, NO_LIMIT, 2, 1]),
    connections_per_origin=st.sampled_from([NO_LIMIT, NO_LIMIT, 3, 2, 1]),
    idle=st.sampled_from([NO_LIMIT, 3, 2, 2, 1, 1, NO_LIMIT, 0]),
    idle_seconds=st.sampled_from([NO_LIMIT, 2, 3, 4, NO_LIMIT, 2, 3, 0]),
    age_seconds=st.sampled_from([NO_LIMIT, 5, 9, NO_LIMIT, 3, 5, 9, 0]),
)

# Requests at the same time, from which on no others come.
MANY = 6
SECONDS = st.sampled_from([0.0, 0.0, 0.5, 0.0, 1.0, 2.0])
OFTEN = st.sampled_from([True, True, True, True, False, True])
# Of a new connection; None is one that is still being dialled.
CAPACITIES = st.sampled_from([1, 2, 3, 4, 0, 1, None])


class PoolMachine(hypothesis.stateful.RuleBasedStateMachine):
    """Requests that come, wait, dial, share, fail and give up, in any order."""

    requests: "hypothesis.stateful.Bundle[Request]" = hypothesis.stateful.Bundle("requests")
    connections: "hypothesis.stateful.Bundle[Connection | None]" = hypothesis.stateful.Bundle(
        "connections"
    )

    @hypothesis.stateful.initialize(limits=LIMITS)
    def begin(self, limits: Limits) -> None:
        self.now = 100.0
        self.names = itertools.count()
        self.state = PoolState[str](limits)
        self.model = Model(limits)
        self.alive: list[Request] = []
        self.all_doomed: set[str] = set()
        self.all_granted: set[Ticket[str]] = set()

    # -- events --------------------------------------------------------------------

    @precondition(lambda self: len(self.alive) < MANY)
    @rule(
        target=requests,
        origins=st.lists(st.sampled_from(sorted(ORIGINS)), min_size=1, max_size=3),
        seconds=SECONDS,
    )
    def claim(
        self, origins: list[str], seconds: float
    ) -> "Request | hypothesis.stateful.MultipleResults[Request]":
        self.now += seconds
        if self.state.is_closed:
            with pytest.raises(RuntimeError):
                self.state.claim(origins[0], self.now)
            self.state.reopen()
        return hypothesis.stateful.multiple(*map(self.claim_one, origins))

    def claim_one(self, origin: str) -> Request:
        given = self.state.claim(origin, self.now, may_share=ORIGINS[origin])
        request = Request(origin)
        self.model.claim(request, given, self.now)
        self.alive.append(request)
        return request

    @rule(target=connections, request=requests, capacity=CAPACITIES)
    def proceed(self, request: Request, capacity: int | None) -> Connection | None:
        """Takes a request one step further: it wakes up, connects or begins to send."""
        self.take_further(request, capacity)
        return request.connection

    @precondition(lambda self: self.alive)
    @rule(capacity=CAPACITIES)
    def proceed_all(self, capacity: int | None) -> None:
        for request in self.alive.copy():
            self.take_further(request, capacity)

    def take_further(self, request: Request, capacity: int | None) -> None:
        connection = request.connection
        if connection is None or request not in self.alive:
            return
        request.is_awake = True
        if connection.phase is SlotState.DIALLING:
            if connection.slot.connection is None:
                connection.slot.connection = f"connection {next(self.names)}"
            if capacity is None:
                return
            if not ORIGINS[request.origin]:
                capacity = 1
            assert self.state.connected(connection.slot, self.now, capacity=capacity)
            self.model.connected(connection, capacity, self.now)
        elif connection.phase is SlotState.RESERVED:
            connection.slot.state = connection.phase = SlotState.ACTIVE
        elif connection.phase is SlotState.CLOSED:
            assert not self.state.connected(connection.slot, self.now)
            # Written without the pool's lock, and so perhaps too late.
            connection.slot.state = SlotState.ACTIVE

    @rule(target=connections, request=consumes(requests), reusable=OFTEN, seconds=SECONDS)
    def end(self, request: Request, reusable: bool, seconds: float) -> Connection | None:
        """Ends a request, whatever it is doing."""
        self.now += seconds
        self.give_up(request, reusable=reusable)
        return request.connection

    @precondition(lambda self: self.alive)
    @rule(reusable=OFTEN, seconds=SECONDS)
    def end_all_that_send(self, reusable: bool, seconds: float) -> None:
        self.now += seconds
        for request in self.alive.copy():
            if request.connection and request.connection.phase is SlotState.ACTIVE:
                self.give_up(request, reusable=reusable)

    def give_up(self, request: Request, *, reusable: bool) -> None:
        if request not in self.alive:
            return
        self.alive.remove(request)
        connection = request.connection
        if request.ticket is not None and not request.is_awake:
            self.state.abandon(request.ticket, self.now)
            if not request.ticket.is_refused and not is_closed(connection):
                self.model.abandon(request, self.now)
            return
        assert connection is not None
        if connection.phase is SlotState.DIALLING:
            self.state.failed(connection.slot, self.now)
            self.model.failed(connection)
        else:
            self.state.release(connection.slot, self.now, reusable=reusable)
            if connection.phase is not SlotState.CLOSED:
                self.model.release(connection, self.now, reusable=reusable)

    @rule(request=requests, is_retry=st.booleans())
    def redial(self, request: Request, is_retry: bool) -> None:
        connection = request.connection
        if request not in self.alive or connection is None or connection.users != 1:
            return
        if connection.phase is SlotState.DIALLING:
            return
        is_open = connection.phase is not SlotState.CLOSED
        outcome = self.state.redial(connection.slot, self.now, is_retry=is_retry)
        assert outcome is is_open
        if is_open:
            self.model.redial(connection, is_retry=is_retry)

    @rule(connection=connections, capacity=st.integers(0, 4))
    def set_capacity(self, connection: Connection | None, capacity: int) -> None:
        if connection is None:
            return
        if connection.phase is not SlotState.DIALLING:
            self.state.set_capacity(connection.slot, capacity)
        if connection.phase not in (SlotState.DIALLING, SlotState.CLOSED):
            self.model.set_capacity(connection, capacity)

    @rule(connection=connections)
    def retire(self, connection: Connection | None) -> None:
        if connection is None:
            return
        self.state.retire(connection.slot)
        if connection.phase is not SlotState.CLOSED:
            self.model.retire(connection)

    @precondition(lambda self: self.model.connections)
    @rule(chance=st.integers(1, 10))
    def close(self, chance: int) -> None:
        if chance == 7:
            self.state.close()
            self.model.close()

    # -- what holds after each of them -----------------------------------------------

    # One invariant: Hypothesis prints each of them after each step of a failure.
    @invariant()
    def everything_holds(self) -> None:
        self.work_is_what_the_model_says_and_nothing_comes_twice()
        self.limits_hold()
        self.slots_are_what_the_model_says()
        self.counters_are_what_the_model_says()
        self.every_slot_is_where_its_state_says()
        self.a_request_waits_only_while_it_cannot_be_served()
        self.the_queue_is_in_order_and_nothing_else_is_kept()
        self.whoever_may_dial_stands_in_the_heap_once()

    def work_is_what_the_model_says_and_nothing_comes_twice(self) -> None:
        work = self.state.take_work() or Work([], [])
        doomed, granted = work.doomed, work.granted
        assert sorted(doomed) == sorted(self.model.doomed)
        if self.state.is_closed:
            granted.sort(key=lambda ticket: ticket.number)
        assert granted == self.model.granted
        assert self.all_doomed.isdisjoint(doomed)
        assert self.all_granted.isdisjoint(granted)
        assert len(set(doomed)) == len(doomed)
        assert len(set(granted)) == len(granted)
        self.all_doomed.update(doomed)
        self.all_granted.update(granted)
        self.model.doomed = []
        self.model.granted = []

    def limits_hold(self) -> None:
        limits = self.state.limits
        assert len(self.state.slots) <= limits.connections
        per_origin = collections.Counter(slot.origin.key for slot in self.state.slots)
        assert all(count <= limits.connections_per_origin for count in per_origin.values())
        assert len(self.state._idle) <= limits.idle

    def slots_are_what_the_model_says(self) -> None:
        assert set(self.state.slots) == {each.slot for each in self.model.connections}
        for each in self.model.connections:
            slot = each.slot
            assert slot.state is each.phase
            assert slot.in_use == each.users
            assert slot.is_retiring == each.is_retiring
            assert slot.origin.key == each.origin
            if slot.state is not SlotState.DIALLING:
                assert slot.capacity == each.capacity
                assert slot.opened_at == each.opened_at

    def counters_are_what_the_model_says(self) -> None:
        model = self.model
        users = sum(each.users for each in model.connections)
        phases = collections.Counter(each.phase for each in model.connections)
        assert dataclasses.asdict(self.state.stats()) == {
            "dialling": phases[SlotState.DIALLING],
            "reserved": phases[SlotState.RESERVED],
            "active": phases[SlotState.ACTIVE],
            "idle": phases[SlotState.IDLE],
            "requests_active": users,
            "requests_queued": len(model.queue),
            "opened": model.opened,
            "reused": model.reused,
            "closed": model.closed,
            "retried": model.retried,
        }

    def every_slot_is_where_its_state_says(self) -> None:
        state = self.state
        assert list(state._idle) == [each.slot for each in self.model.idle]
        for key, origin in state._origins.items():
            own = [slot for slot in state.slots if slot.origin is origin]
            assert origin.key == key
            assert origin.count == len(own) == len(self.model.of(str(key)))
            assert list(origin.idle) == [slot for slot in state._idle if slot.origin is origin]
            assert set(origin.roomy) == {
                slot for slot in own if slot.state in IN_USE and slot.has_room
            }
        for slot in state.slots:
            assert state._origins[slot.origin.key] is slot.origin
            assert (slot in slot.origin.idle) is (slot.state is SlotState.IDLE)
            assert (slot.in_use == 0) is (slot.state is SlotState.IDLE)

    def a_request_waits_only_while_it_cannot_be_served(self) -> None:
        # From the slots alone: neither the model nor the collections are asked.
        state, limits = self.state, self.state.limits
        slots = list(state.slots)
        someone_is_idle = any(slot.state is SlotState.IDLE for slot in slots)
        for request in self.model.queue:
            assert request.ticket is not None
            assert not request.ticket.is_settled
            own = [slot for slot in slots if slot.origin.key == request.origin]
            assert not any(slot.state is SlotState.IDLE for slot in own)
            assert not any(slot.state in IN_USE and slot.has_room for slot in own)
            assert (
                (len(slots) >= limits.connections and not someone_is_idle)
                or len(own) >= limits.connections_per_origin
                or (ORIGINS[request.origin] and any(is_dialling(slot) for slot in own))
            )

    def the_queue_is_in_order_and_nothing_else_is_kept(self) -> None:
        state, model = self.state, self.model
        waiting = [request.ticket for request in model.queue]
        queued = [ticket for origin in state._origins.values() for ticket in origin.tickets]
        assert sorted(queued, key=lambda ticket: ticket.number) == waiting
        for origin in state._origins.values():
            numbers = [ticket.number for ticket in origin.tickets]
            assert numbers == sorted(numbers)
        assert set(state._origins) == {
            *(each.origin for each in model.connections),
            *(each.origin for each in model.queue),
        }

    def whoever_may_dial_stands_in_the_heap_once(self) -> None:
        state = self.state
        heads = state._heads
        assert heads == sorted(heads) or all(
            heads[(place - 1) // 2] < heads[place] for place in range(1, len(heads))
        )
        assert len({id(origin) for _, origin in heads}) == len(heads)
        assert len(heads) <= 2 * len(state._origins) + 17
        assert state.queued or not heads
        for origin in state._origins.values():
            numbers = [number for number, announced in heads if announced is origin]
            assert origin.is_announced is bool(numbers)
            if origin.tickets and self.model.may_dial(str(origin.key)):
                first = next(iter(origin.tickets))
                assert numbers[0] <= first.number

    def teardown(self) -> None:
        if not hasattr(self, "state"):
            return
        for request in self.alive.copy():
            self.give_up(request, reusable=True)
        assert (self.state.active, self.state.queued) == (0, 0)
        assert not self.state._heads
        assert all(slot.state is SlotState.IDLE for slot in self.state.slots)
        for slot in list(self.state.slots):
            self.state.retire(slot)
        assert not self.state.slots
        assert not self.state._origins
        assert not self.state._idle


def is_closed(connection: Connection | None) -> bool:
    return connection is not None and connection.phase is SlotState.CLOSED


def is_dialling(slot: Slot[str]) -> bool:
    return slot.state is SlotState.DIALLING


PoolMachine.TestCase.settings = hypothesis.settings(
    max_examples=300,
    stateful_step_count=40,
    deadline=None,
    report_multiple_bugs=False,
    # The same examples everywhere: a failure in CI is one that can be had at home.
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)

# Seconds when it succeeds; a failure is worth waiting for until it has been made small.
TestPoolState = pytest.mark.timeout(300)(PoolMachine.TestCase)
