"""Trials on a server that was overloaded first, to see whether it recovers when the load goes down again."""

from wirerace.errors import TrialFailed
from wirerace.experiment.plans import plans_of
from wirerace.observe.account import LoadState
from wirerace.runner.steps import TrialSteps
from wirerace.runner.targets.target import Child
from wirerace.stopping import whole


class AfterOverload(TrialSteps):
    """The steps of a trial whose server is first driven at another setting, for a warm-up and a window."""

    def _prepare(self, server: Child) -> None:
        setting = self.plan.setting.after
        if setting is None:
            return
        plans = plans_of(setting, self.plan.repeat)
        plan = next(plan for plan in plans if plan.contestant.id == self.plan.contestant.id)
        Driving(plan, self._target, self._producer, self._reporter).drive(server)


class Driving(TrialSteps):
    """Drives a server, and measures nothing."""

    def _report(self, phase: str, state: LoadState | None = None) -> None:  # noqa: ARG002 -- they are of no trial
        self._reporter.report("overloading", None)

    def drive(self, server: Child) -> None:
        """Let clients come, make updates for a warm-up and a window, and let the clients go.

        A server that is too busy to let all of them in is overloaded enough.

        Raises TrialFailed when clients do not come for another reason.
        """
        load = self._start_load(server)
        try:
            self._subscribe(load)
            window = self._prime(load)
            self._sleep_until(window.to_ns, "overloading", load)
        except TrialFailed as error:
            if error.part != "server":
                raise
        finally:
            with whole():
                self._target.stop(load.crew, *reversed(load.parts.values()))
                self._producer.peer.delete("/schedule")
