"""The browser as a part of a trial: a process of ours, and Chromium's own processes below it."""

import contextlib

import msgspec
import psutil

from wirerace.experiment.plans import Plan
from wirerace.experiment.settings import Study
from wirerace.host.machine import total_seconds
from wirerace.runner.browsers.chromium import find_chromium
from wirerace.runner.browsers.order import TabsOrder
from wirerace.runner.parts.process import Process
from wirerace.workload.schedule import channel_names


class BrowserProcess(Process):
    """Chromium and the process that drives it. They end together, and it is not started again: its ledgers are lost."""

    def cpu_seconds(self) -> float | None:
        """Return the CPU time of Chromium's processes, too, in ticks of 10 ms; without those that have ended."""
        return total_seconds([super().cpu_seconds(), *map(_seconds_of, self._others())])

    def own_cpu_seconds(self) -> float | None:
        """Return the CPU time of the driving process alone."""
        return super().cpu_seconds()

    def _others(self) -> list[psutil.Process]:
        found: list[psutil.Process] = []
        with contextlib.suppress(psutil.Error):
            found = psutil.Process(self.pid).children(recursive=True)
        return found


def _seconds_of(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.Error):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


def refuse_missing(study: Study) -> None:
    """Raise BadInput, with the cure, when an experiment wants browser tabs and there is no Chromium."""
    if any(setting.experiment.clients.browsers for setting in study.settings):
        find_chromium()


def order_of(plan: Plan, url: str, page_port: int, control_port: int, one_profile: bool | None = None) -> TabsOrder:
    """Return the order for the tabs of a plan, at the server or proxy with this URL.

    If `one_profile` is not given, they are the tabs of a trial.

    Raises BadInput when there is no Chromium.
    """
    return TabsOrder(
        chromium=find_chromium(),
        page_port=page_port,
        control_port=control_port,
        count=plan.experiment.clients.browsers,
        transport=plan.transport.name,
        url=f"{url}{plan.transport.path}",
        options=msgspec.to_builtins(plan.options),
        channels=list(channel_names(plan.experiment.producer.channels)),
        one_profile=bool(one_profile),
        is_trial=one_profile is None,
    )
