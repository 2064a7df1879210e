"""Hooks: what Locust calls when it starts, begins a test and ends one."""

import sys
from typing import Any

import gevent
from locust import events
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadtests import garbage, workers
from loadtests.alone import Alone
from loadtests.control import Control, Keys
from loadtests.dispatching import EvenDispatcher
from loadtests.fractions import keep_fractions
from loadtests.hosts import apply_host, parse_hosts
from loadtests.leaving import end_forked_workers, leave_in_order, outlive_no_master, outlive_no_parent
from loadtests.load import LOADS, Load
from loadtests.metrics import Totals, new_registry
from loadtests.options import add_options, own_options, read_options
from loadtests.page import Page
from loadtests.producer import ProducerFields
from loadtests.shapes import Shaped, chosen_shape, shaped_in
from loadtests.statistics import forget_old_seconds, keep_no_history
from wirerace.errors import BadInput
from wirerace.observe.account import Window
from wirerace.origins import parse_origins
from wirerace.workload.shapes import check_shape

events.init_command_line_parser.add_listener(add_options)  # type: ignore[no-untyped-call]
keep_fractions()
gevent.config.track_greenlet_tree = (
    False  # nobody asks which greenlet started a client, and each would keep a list of that
)


@events.init.add_listener  # type: ignore[untyped-decorator]  # Locust has no types for it
def set_up(environment: Environment, **_: Any) -> None:
    """Join processes to one load, choose its shape, export metrics, and open the control port for an experiment."""
    options: Any = environment.parsed_options
    environment.dispatcher_class = EvenDispatcher
    if options.parent_pid:
        outlive_no_parent(options.parent_pid)
    _check(environment)  # in a worker, too: with --processes it was forked before
    totals = Totals()
    events.test_start.add_listener(lambda **_: totals.begin(LOADS.get(environment)))  # type: ignore[no-untyped-call]
    registry = new_registry(totals)
    if isinstance(environment.runner, WorkerRunner):
        workers.answer_master(environment, environment.runner)
        workers.follow_tests(environment, environment.runner, lambda: start_load(environment))
        leave_in_order(environment, environment.runner)
        outlive_no_master(environment, environment.runner)
        own = own_options(sys.argv[1:])
        if own.control_port:
            Control((own.control_host, own.control_port), registry)
        return
    runner = environment.runner
    parts = workers.Workers(environment, runner) if isinstance(runner, MasterRunner) else Alone(environment)
    # Locust itself would take the first shape that it finds.
    environment.shape_class = chosen_shape(environment)
    for shape in shaped_in(environment):
        shape.parts, shape.environment = parts, environment
    if environment.web_ui is not None:
        Page(environment)
    elif options.contestant:
        keep_no_history(environment.stats)
    if isinstance(runner, MasterRunner):
        events.worker_report.add_listener(lambda **_: forget_old_seconds(environment.stats))  # type: ignore[no-untyped-call]
    if options.control_port:
        keys = Keys(options.control_token, parse_origins(options.allowed_origins))
        address = (options.control_host, options.control_port)
        control = Control(address, registry, parts, lambda window: _begin_shape(environment, window), keys)
        events.test_start.add_listener(lambda **_: control.course.begin())  # type: ignore[no-untyped-call]


def _check(environment: Environment) -> None:
    options: Any = environment.parsed_options
    try:
        apply_host(environment)
        shape = chosen_shape(environment)
        name = shape.name if isinstance(shape, Shaped) else "steady"
        check_shape(name, read_options(vars(options)).shapes[name], options.num_users or 1, options.spawn_rate or 1)
        parse_origins(options.allowed_origins)
        parse_hosts(options.allowed_hosts)
        ProducerFields(options.producer_url)
    except BadInput as error:
        sys.stderr.write(f"locust: {error}\n")
        end_forked_workers()
        sys.exit(2)


def _begin_shape(environment: Environment, window: Window) -> None:
    if isinstance(environment.shape_class, Shaped):
        environment.shape_class.begin(window.from_ns)


@events.test_start.add_listener  # type: ignore[untyped-decorator]  # Locust has no types for it
def start_load(environment: Environment, **_: Any) -> None:
    """Start a new account with the options as they are now. A master has no load of its own."""
    runner = environment.runner
    if not isinstance(runner, MasterRunner):
        garbage.collect_rarely()
        given = vars(environment.parsed_options)
        index = runner.worker_index if isinstance(runner, WorkerRunner) else 0
        place = workers.place_of(runner, given) if isinstance(runner, WorkerRunner) else (0, 1)
        test = workers.current_test(environment)
        LOADS[environment] = Load(environment, read_options(given), index, place, test=test)


@events.test_stop.add_listener  # type: ignore[untyped-decorator]  # Locust has no types for it
def stop_load(environment: Environment, **_: Any) -> None:
    """Hand the ledger over, and what is not in Locust's statistics yet."""
    if isinstance(environment.shape_class, Shaped):
        environment.shape_class.forget()
    load = LOADS.get(environment)
    if load is not None:
        load.stop()
        if isinstance(environment.runner, WorkerRunner):
            workers.hand_over(environment, environment.runner, load.finish())
        else:
            workers.report(load.finish())
