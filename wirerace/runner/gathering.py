"""Gathering: clients come, all of them get an update, and only then a window is set."""

import contextlib
import time

from wirerace.clock import NS_PER_SECOND, StepWatch, now_ns, to_ns
from wirerace.errors import TrialFailed
from wirerace.experiment.holding import filling_schedule
from wirerace.experiment.patience import longest_seconds, subscribe_seconds
from wirerace.experiment.plans import Plan, schedule_of
from wirerace.observe.account import LoadState, Window
from wirerace.observe.outages import OutageWatch
from wirerace.runner.browsers.trial import TrialTabs
from wirerace.runner.effort import NOTHING, AtLimit, Effort
from wirerace.runner.faults import Timeline
from wirerace.runner.forecast import PRIMING_SECONDS
from wirerace.runner.joining import await_hosts
from wirerace.runner.peer import NoAnswer
from wirerace.runner.progress import NO_STATE, TICK_SECONDS, Reporter
from wirerace.runner.targets.target import Child, LoadChild, Target
from wirerace.runner.watching import Watch
from wirerace.workload.schedule import Schedule

MOST_STEP_SECONDS = 2.0  # of the wall clock between two looks; the verdict judges smaller steps
NOTICE_SECONDS = 2.0  # until the death of a part is seen, where its silence is noticed first
PROGRESS_SECONDS = 1.0  # a load that is busy with a fan-out answers after it
MS, MOST_STEPS = 1_000_000, 100_000
QUIET_SECONDS = 0.2  # before an important instant, no requests are sent


class Gathering:
    """What a trial does until its window begins, and how it waits."""

    def __init__(self, plan: Plan, target: Target, producer: Child, reporter: Reporter) -> None:
        self.experiment = plan.experiment
        self.plan = plan
        self._target = target
        self._producer = producer
        self._reporter = reporter
        self._population = plan.experiment.population
        self._count = 0 if self._population.is_visit else self.experiment.clients.count
        self._count_at_start = self.experiment.staying
        self._clock = StepWatch(now_ns)
        self._watch = Watch()
        self._tabs = TrialTabs(plan, None)
        self._effort: Effort | None = None
        self._timeline: Timeline | None = None

    def _start_load(self, server: Child) -> LoadChild:
        """Start the load, and see from now on what it and the server spend."""
        load = self._target.start_load(self.plan, server.peer)
        self._effort = Effort(server, load, self.experiment.servers)
        return load

    def _subscribe(self, load: LoadChild) -> None:
        """Wait until every client has its first cursor, or until every load process is ready for visitors.

        Before that, load processes of other hosts are waited for.

        A path that holds back gives a client its first cursor with a full buffer only. So updates are made meanwhile,
        until the schedule of the trial is set, and every client has one already.
        """
        if self.experiment.load.address:
            await_hosts(load, self.experiment.load, self._report, self._pause)
        if is_filling := self.plan.path.held_back_bytes(self.plan.transport) > 0:
            self._producer.peer.send("PUT", "/schedule", filling_schedule(self.plan), Schedule)
        hosts = self.experiment.load.processes if self._population.is_visit else 0
        deadline = time.monotonic() + subscribe_seconds(self.experiment, self._count)
        state = NO_STATE
        while True:
            if load.peer.is_open():
                with contextlib.suppress(NoAnswer):  # a load that is busy with connecting answers late
                    state = self._state(load)
            self._report("connecting", state)
            has_updates = not is_filling or state.aged >= self._count_at_start
            if state.subscribed == self._count_at_start and state.hosts >= hosts and has_updates:
                return
            if time.monotonic() > deadline and hosts:
                raise load.crew.failure(f"is ready for visitors in {state.hosts} of {hosts} processes in time")
            if time.monotonic() > deadline:
                what = f"has connected {state.subscribed} of {self._count_at_start} clients in time{self._spent.said}"
                raise TrialFailed(str(load.crew.failure(what)), self._spent.part)
            self._pause()

    @property
    def _spent(self) -> AtLimit:
        return NOTHING if self._effort is None else self._effort.spent()

    def _prime(self, load: LoadChild) -> Window:
        """Make a priming update, wait until every client has it, and return the window in which will be measured.

        If clients or the load's window come too late for that, the schedule is set again with a later start.
        """
        experiment = self.experiment
        longest = longest_seconds(self.plan.path, self.plan.options) + 2 * self._target.order_seconds
        late = PRIMING_SECONDS / 2 + self._target.order_seconds
        deadline = time.monotonic() + subscribe_seconds(experiment, self._count)
        while True:
            start_ns = now_ns() + to_ns(longest + PRIMING_SECONDS)
            schedule = schedule_of(experiment, self.plan.seed, start_ns)
            self._producer.peer.send("PUT", "/schedule", schedule, Schedule)
            aged = self._aged_by(start_ns - to_ns(late), load)
            if aged >= self._count_at_start and (window := self._set_window(start_ns, load)):
                self._sleep_until(window.from_ns, "warming up", load)
                return window
            if time.monotonic() > deadline:
                what = f"{aged} of {self._count_at_start} clients had an update, and no window was set, in time"
                raise TrialFailed(what + self._spent.said, self._spent.part)

    def _set_window(self, start_ns: int, load: LoadChild) -> Window | None:
        """Return the window of a schedule that starts at an instant; None if the load got to know it too late."""
        options = self.experiment.window
        from_ns = start_ns + to_ns(options.warmup_seconds)
        window = Window(from_ns, from_ns + to_ns(options.measure_seconds))
        if now_ns() >= start_ns:
            return None
        try:
            load.peer.send("PUT", "/window", window, dict[str, str])
            if self.experiment.faults:
                load.peer.send("POST", "/outages", self._outage_watch(window), dict[str, str])
        except NoAnswer:
            raise
        except TrialFailed:
            if now_ns() < from_ns:
                raise
            return None  # the load refuses a window that has begun, and knows of none
        if now_ns() >= from_ns:
            raise TrialFailed("wirerace stood still: the window had begun before the load knew of it")
        return window

    def _outage_watch(self, window: Window) -> OutageWatch:
        """Return what the load is to note of outages, in at most `MOST_STEPS` steps of a millisecond or more."""
        step_ns = max(MS, (window.to_ns - window.from_ns) // MOST_STEPS)
        return OutageWatch(window.from_ns, to_ns(self.experiment.availability.age_seconds), step_ns)

    def _aged_by(self, until_ns: int, load: LoadChild) -> int:
        """Return how many clients have an update, as soon as all of them have one, or at an instant."""
        while True:
            state = self._state(load)
            if state.aged >= self._count_at_start or now_ns() >= until_ns:
                return state.aged
            self._pause()

    def _state(self, load: LoadChild, within_seconds: float | None = None) -> LoadState:
        """Return the load's state.

        Raises NoAnswer when it does not answer in time, and TrialFailed when it cannot: with the reason that a part has
        died, if one is seen to have died.
        """
        try:
            return load.peer.get("/state", LoadState, within_seconds)
        except NoAnswer:
            raise
        except TrialFailed:
            deadline = time.monotonic() + NOTICE_SECONDS
            while time.monotonic() < deadline:
                self._target.watch()
                time.sleep(TICK_SECONDS)
            raise

    def _sleep_until(self, at_ns: int, phase: str, load: LoadChild) -> None:
        while (left_seconds := (at_ns - now_ns()) / NS_PER_SECOND) > 0:
            self._look()
            if self._reporter.is_due() and left_seconds > QUIET_SECONDS:
                with contextlib.suppress(NoAnswer):  # it is only for the progress that is shown
                    self._report(phase, self._state(load, PROGRESS_SECONDS))
            time.sleep(min(max(at_ns - now_ns(), 0) / NS_PER_SECOND, TICK_SECONDS))

    def _pause(self) -> None:
        self._look(is_timed=False)
        time.sleep(TICK_SECONDS)

    def _look(self, *, is_timed: bool = True) -> None:
        if self._timeline is not None:
            self._timeline.look()
        self._target.watch()
        self._watch.look(is_timed=is_timed)
        self._refuse_a_clock_that_was_set()

    def _refuse_a_clock_that_was_set(self) -> None:
        """Raise TrialFailed when the wall clock, which times everything in a trial, was set."""
        step_seconds = self._clock.step_ns() / NS_PER_SECOND
        if abs(step_seconds) > MOST_STEP_SECONDS:
            raise TrialFailed(
                f"the wall clock was set by {step_seconds:+.0f} s in the middle of the trial, or the machine slept: "
                "run it again when the time is settled"
            )

    def _report(self, phase: str, state: LoadState | None = None) -> None:
        self._reporter.report(phase, state)
