"""The release of a run: the chart installed for it, its pods, and its removal."""

import json
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from wirerace.errors import BadInput, TrialFailed
from wirerace.options import variable_of
from wirerace.runner.cluster.commands import helm, kubectl, namespace, objects
from wirerace.runner.cluster.pod import PassingPod, Pod
from wirerace.runner.cluster.pods import COMPONENT, INSTANCE, ROLL, PodState, PodWatch
from wirerace.runner.progress import TICK_SECONDS
from wirerace.stopping import whole

NAME = "wirerace-run"
CHART = Path(__file__).parents[3] / "kubernetes" / "wirerace"
UP_SECONDS = 600.0  # images may have to be pulled
ROLL_SECONDS = 120.0
LOOK_SECONDS, PLACE_SECONDS = 15.0, 60.0
"""A registry may answer again until the first, another pod may leave or a node may come until the second."""
GONE_SECONDS, GONE_LOOK_SECONDS = 120.0, 1.0
TAKEN = ("cannot re-use a name", "already exists")
"""Another run has installed its release at the same time."""
CRASHES = 2
"""A container that has been started again as often does not come up."""
STAYING = frozenset({"producer", "locust", "locust-worker", "nats"})
"""What exists during the whole run; all else exists for a trial only."""


class Release:
    """The chart in the namespace of kubectl's current context, from `install` until `close`.

    `values` is the text of a file for it. Raises BadInput, with the cure, when there is no kubectl, helm, cluster or
    right, or when another run has its release there.
    """

    def __init__(self, values: str) -> None:
        if not CHART.is_dir():
            raise BadInput("the chart is not here: run wirerace from a clone of its repository")
        self._values = values
        self._pods: dict[str, Pod] = {}
        self._rolls = 0
        self._watch: PodWatch | None = None
        self._is_ours = False
        kubectl("version", "--client")  # helm does without it: a release would stay that nothing else can be done with
        self._refuse_another()

    def install(self, settings: Mapping[str, object], components: Sequence[str]) -> None:
        """Install the chart with some values, and wait until components of it are up.

        Raises BadInput, with the cure, when chart or values are refused, or when a pod does not come up.
        """
        self._is_ours = True
        try:
            with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
                file.write(self._values)
                file.flush()
                helm("install", NAME, str(CHART), "--values", file.name, "--values", "-", said=json.dumps(settings))
        except TrialFailed as error:
            self._is_ours = not any(words in str(error) for words in TAKEN)
            raise BadInput(str(error)) from None
        with whole():
            self._watch = PodWatch(NAME)
        self._await_all(components)

    @staticmethod
    def host(component: str) -> str:
        """Return the name of a component's service, deployment and the like."""
        return f"{NAME}-{component}"

    def build(self, component: str) -> None:
        """Build nothing: a cluster pulls images."""

    def containers(self, component: str) -> list[Pod]:
        """Return the pods of a component."""
        return [] if self._watch is None else [self._pod(state) for state in self._watch.of(component)]

    passing = containers

    def every(self) -> list[Pod]:
        """Return all pods."""
        return [self._pod(state) for state in self._seen.all() if not state.is_leaving]

    def make(self, service: str, variables: Mapping[str, str], count: int = 1) -> list[Pod]:
        """Make the pods of a component that exists for a trial only, with its order.

        Raises TrialFailed when they do not come up.
        """
        order = {"name": variable_of("path_order"), "value": next(iter(variables.values()))}
        return self.roll(service, {"env": [order]}, count)

    def roll(self, component: str, container: Mapping[str, object], count: int = 1) -> list[Pod]:
        """Replace the pods of a component by a number of new ones whose container differs so; return them.

        Raises TrialFailed when they do not come up.
        """
        try:
            found = self._rolled(component, {"containers": [{"name": component, **container}]}, count)
        except BaseException:  # Ctrl-C, too: it must not come up in the middle of the next trial
            with whole(), suppress(TrialFailed):
                self.scale(component, 0)
            raise
        return [self._pod(state) for state in found]

    def renew(self, pod: Pod) -> None:
        """Give a part that stays a new pod on its node: each time a container has ended, it is started later.

        Raises TrialFailed when it does not come up.
        """
        before = pod.state
        (state,) = self._rolled(pod.name, {"nodeName": before.node}, 1)
        self._pods.pop(before.name, None)
        pod.become(state)
        self._pods[state.name] = pod

    def _rolled(self, component: str, spec: Mapping[str, object], count: int) -> list[PodState]:
        """Change the pods of a component, and return the new ones when they are ready."""
        self._rolls += 1
        mark = str(self._rolls)
        template = {"metadata": {"annotations": {ROLL: mark}}, "spec": spec}
        patch = json.dumps({"spec": {"replicas": count, "template": template}})
        try:
            kubectl("patch", "deployment", self.host(component), "--type", "strategic", "--patch", patch)
        except BadInput as error:
            raise TrialFailed(str(error)) from None
        deadline = time.monotonic() + ROLL_SECONDS
        while True:
            found = [state for state in self._seen.of(component) if state.roll == mark]
            if len(found) == count and all(state.is_ready for state in found):
                return found
            self._refuse_trouble(component, found, TrialFailed, started=deadline - ROLL_SECONDS)
            if time.monotonic() > deadline:
                raise self._late(component, found, ROLL_SECONDS)
            time.sleep(TICK_SECONDS)

    def scale(self, component: str, count: int) -> None:
        """Ask for a number of pods of a component, and wait for nothing.

        Raises TrialFailed when the cluster refuses.
        """
        try:
            kubectl("scale", "deployment", self.host(component), f"--replicas={count}")
        except BadInput as error:
            raise TrialFailed(str(error)) from None

    def close(self) -> None:
        """Uninstall the chart, and wait until its pods are gone.

        Raises TrialFailed when something is left.
        """
        with ExitStack() as steps:  # each is taken, even after one that fails; the last one first
            if self._watch is not None:
                steps.callback(self._watch.close)
            if self._is_ours:
                steps.callback(self._uninstall)
            for pod in self._pods.values():
                steps.callback(pod.close)
            self._pods.clear()
        self._watch = None

    @property
    def _seen(self) -> PodWatch:
        assert self._watch is not None  # noqa: S101 -- it is there once the chart is installed
        return self._watch

    def _refuse_another(self) -> None:
        try:
            helm("status", NAME)
        except TrialFailed as error:
            if "not found" not in str(error):
                raise BadInput(str(error)) from None
            return
        raise BadInput(
            f"the release {NAME} is in the namespace {namespace()} already: another run uses it, or one was killed: "
            f"helm uninstall {NAME}"
        )

    @staticmethod
    def _uninstall() -> None:
        said = ""
        try:
            said = helm("uninstall", NAME)
        except BadInput as error:
            raise TrialFailed(f"{error}; when it can be reached: helm uninstall {NAME}") from None
        except TrialFailed as error:
            if "not found" not in str(error):  # helm was ended before it had made anything
                raise
        deadline = time.monotonic() + GONE_SECONDS
        while left := objects("pods", f"{INSTANCE}={NAME}"):
            if time.monotonic() > deadline:
                names = ", ".join(one["metadata"]["name"] for one in left)
                raise TrialFailed(f"helm uninstall: {said.strip()}, but these pods are still there: {names}")
            time.sleep(GONE_LOOK_SECONDS)

    def _await_all(self, components: Iterable[str]) -> None:
        started = time.monotonic()
        waiting = list(components)
        while waiting:
            for component in waiting:
                self._refuse_trouble(component, self._seen.of(component), BadInput, started=started)
            waiting = [one for one in waiting if not self._is_up(one)]
            if waiting and time.monotonic() > started + UP_SECONDS:
                raise BadInput(str(self._late(waiting[0], self._seen.of(waiting[0]), UP_SECONDS)))
            time.sleep(TICK_SECONDS)

    def _is_up(self, component: str) -> bool:
        found = self._seen.of(component)
        return bool(found) and all(state.is_ready for state in found)

    def _refuse_trouble(
        self, component: str, found: Sequence[PodState], error: type[BadInput | TrialFailed], *, started: float
    ) -> None:
        """Raise an error when pods of a component cannot start, or are not even made."""
        seconds = time.monotonic() - started
        if seconds < LOOK_SECONDS:
            return
        for state in found:
            if state.trouble and (seconds > PLACE_SECONDS or not state.has_no_place):
                raise error(f"{component}: {state.trouble}")
            if state.restarts >= CRASHES and not state.is_ready:
                raise error(str(self._pod(state).failure("ends again and again")))
        if not found and (why := self._why_none(component)):
            raise error(f"{component}: the cluster makes no pod: {why}")

    def _why_none(self, component: str) -> str:
        found: list[dict[str, Any]] = []
        with suppress(BadInput, TrialFailed):  # the cluster may answer the next time
            found = objects("deployments", f"{INSTANCE}={NAME},{COMPONENT}={component}")
        for one in found:
            for condition in one.get("status", {}).get("conditions", []):
                if condition["type"] == "ReplicaFailure":
                    return str(condition.get("message", ""))
        return ""

    def _late(self, component: str, found: Sequence[PodState], seconds: float) -> TrialFailed:
        what = f"is not ready after {seconds:g} s"
        return self._pod(found[0]).failure(what) if found else TrialFailed(f"{component} {what}: there is no pod of it")

    def _pod(self, state: PodState) -> Pod:
        """Return the part that a pod is, always the same."""
        for name in [name for name in self._pods if self._seen.named(name) is None]:
            self._pods.pop(name).close()
        if state.name not in self._pods:
            stays = state.component in STAYING
            made = Pod(state, self._seen) if stays else PassingPod(state, self._seen, self._remove)
            self._pods[state.name] = made
        return self._pods[state.name]

    def _remove(self, pod: Pod) -> None:
        self.scale(pod.name, 0)
