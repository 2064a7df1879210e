"""`wirerace advise`: which transport, and what it costs, from a cost model that was fitted on a sweep."""

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from wirerace.analysis.cost_model.estimate import Advice, HostSize, Need, Prices, advised, hosts_of, servers_of
from wirerace.analysis.cost_model.fit import fit, refuse_poor, residuals_of
from wirerace.analysis.cost_model.flips import Flip, flips_of
from wirerace.analysis.cost_model.model import CostModel, Residuals, decode_model
from wirerace.analysis.cost_model.observations import Observation, observations_of
from wirerace.errors import BadInput, SystemFault
from wirerace.files import read_file
from wirerace.record.reading import read_result
from wirerace.record.writing import write_json
from wirerace.report.calculator import page_of
from wirerace.report.model_check import check_lines
from wirerace.report.recommendation import lines_of
from wirerace.system import blamed_on
from wirerace.transports import TRANSPORTS

SHIPPED = Path(__file__).parents[1] / "analysis" / "cost_model" / "model.json"
PAGE = Path("advise.html")
SHIPPED_NEED = Need(1000, 1.0, 5.0)
"""What the page begins with if nothing is asked for."""
RANGES = {
    "clients": (1.0, 1e9), "updates_per_second": (1e-6, 1e5), "fresh_within_seconds": (1e-3, 86_400.0),
    "payload_bytes": (0.0, 1_048_576.0), "round_trip_seconds": (0.0, 60.0),
}  # fmt: skip
FLAGS = {
    "clients": "--clients", "updates_per_second": "--updates-per-second", "fresh_within_seconds": "--fresh-within",
    "payload_bytes": "--payload-bytes", "round_trip_seconds": "--round-trip", "core_hour": "--price-core-hour",
    "gib_hour": "--price-gib-hour", "gb": "--price-gb",
}  # fmt: skip


def command(  # noqa: PLR0913 -- each is an option of the command line
    places: Annotated[
        list[Path] | None,
        typer.Argument(
            help="With --fit and --check: directories of runs. With --page: the file.",
            metavar="[PLACE]...",
            show_default=False,
        ),
    ] = None,
    *,
    clients: Annotated[float | None, typer.Option(help="Clients that receive each update.", show_default=False)] = None,
    updates_per_second: Annotated[
        float | None, typer.Option(help="Updates made a second, on average.", show_default=False)
    ] = None,
    fresh_within: Annotated[
        float | None, typer.Option(help="The latest that an update may reach a client, seconds.", show_default=False)
    ] = None,
    payload_bytes: Annotated[float, typer.Option(help="Size of an update's payload.")] = 100.0,
    round_trip: Annotated[float, typer.Option(help="Round trip between clients and server, seconds.")] = 0.0,
    price_core_hour: Annotated[float, typer.Option(help="Price of a core for an hour.")] = Prices().core_hour,
    price_gib_hour: Annotated[float, typer.Option(help="Price of a GiB of memory for an hour.")] = Prices().gib_hour,
    price_gb: Annotated[float, typer.Option(help="Price of 10⁹ bytes sent to clients.")] = Prices().gb,
    host_cores: Annotated[float, typer.Option(help="Cores of a host for servers.")] = HostSize().cores,
    host_gib: Annotated[float, typer.Option(help="Memory of a host for servers, GiB.")] = HostSize().gib,
    given: Annotated[
        list[Path] | None,
        typer.Option(
            "--from", help="Take the model from this run, or from a model's JSON. May be repeated.", show_default=False
        ),
    ] = None,
    is_fit: Annotated[bool, typer.Option("--fit", help="Make a model of the runs in PLACE.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="The file of the model that --fit makes.", show_default=False)
    ] = None,
    any_verdict: Annotated[bool, typer.Option("--any-verdict", help="Fit to invalid trials, too.")] = False,
    note: Annotated[str, typer.Option(help="A note on how it was measured, for the model of --fit.")] = "",
    is_page: Annotated[
        bool, typer.Option("--page", help=f"Write a page with sliders to PLACE, {PAGE} by default.")
    ] = False,
    is_check: Annotated[
        bool, typer.Option("--check", help="Compare the model with the trials of the runs in PLACE.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the advice as JSON.")] = False,
) -> None:
    """Say which transport to use for a number of clients, a rate and a freshness, and what each would cost.

    The figures come from a cost model that was fitted on measurements. docs/advice.md explains it.

    **Examples:**

        wirerace advise --clients 100000 --updates-per-second 0.05 --fresh-within 5

        wirerace advise --clients 500 --updates-per-second 20 --fresh-within 30 --json

        wirerace advise --page advise.html

        wirerace advise --fit results/latest --out model.json

        wirerace advise --check results/latest

    Exit codes: 0 answered; 2 bad input, or a model that does not fit;
    5 the system refused something; 129 SIGHUP; 130 Ctrl-C; 143 SIGTERM.
    """
    _check_places(places or [], is_fit=is_fit, is_page=is_page, is_check=is_check, out=out)
    if is_fit and out is not None:
        model = _fitted(places or [], any_verdict=any_verdict, note=note)
        refuse_poor(model)
        with blamed_on(out):
            write_json(out, model)
        fitted = {TRANSPORTS[name].title: found for name, found in model.residuals.items()}
        said = [f"{out}: a cost model of {model.provenance.trials} trials", *check_lines(fitted)]
        sys.stdout.write("\n".join(said))
        sys.stdout.write("\n")
        return
    model = model_from(given or [], any_verdict=any_verdict)
    if is_check:
        sys.stdout.write("\n".join(check_lines(_checked(model, places or [], any_verdict=any_verdict))) + "\n")
        return
    need = _need(clients, updates_per_second, fresh_within, payload_bytes, round_trip, may_lack=is_page)
    prices = Prices(price_core_hour, price_gib_hour, price_gb)
    _check_prices(prices)
    host = HostSize(host_cores, host_gib)
    _check_host(host)
    if is_page:
        _write_page((places or [PAGE])[0], model, need, prices)
        return
    advice, flips = advised(model, need, prices), flips_of(model, need, prices)
    sys.stdout.write(
        _json(model, need, prices, advice, flips, host)
        if as_json
        else "\n".join(lines_of(model, need, advice, flips, host)) + "\n"
    )


def model_from(given: list[Path], *, any_verdict: bool = False) -> CostModel:
    """Return the shipped model, or that of a file or of runs. Raises BadInput if it does not fit."""
    if given and not (len(given) == 1 and given[0].is_file() and given[0].name != "result.json"):
        model = _fitted(given, any_verdict=any_verdict)
    else:
        place = given[0] if given else SHIPPED
        model = decode_model(read_file(place, "make one with wirerace advise --fit"), str(place))
    refuse_poor(model)
    return model


def _fitted(places: list[Path], *, any_verdict: bool, note: str = "") -> CostModel:
    results = [read_result(place) for place in places]
    try:
        return fit(results, any_verdict=any_verdict, note=note)
    except BadInput as error:
        raise BadInput(f"{', '.join(map(str, places))}: {error}") from None
    except ArithmeticError as error:
        raise BadInput(f"{places[0]}: it was edited, and no run has such numbers: {error}") from None


def _checked(model: CostModel, places: list[Path], *, any_verdict: bool) -> dict[str, dict[str, Residuals]]:
    """Return how far a model is from the trials of runs, for each transport and number of replicas."""
    observed = observations_of([read_result(place) for place in places], may_be_balanced=True)
    used = [one for one in observed if (one.valid or any_verdict) and one.transport in model.transports]
    if not used:
        raise BadInput(f"{', '.join(map(str, places))}: no trial that the model could be compared with is valid")
    groups: dict[tuple[str, int], list[Observation]] = {}
    for one in sorted(used, key=lambda one: (model.transports.index(one.transport), one.replicas)):
        groups.setdefault((one.transport, one.replicas), []).append(one)
    return {
        TRANSPORTS[transport].title + (f", {replicas} replicas" if replicas > 1 else ""): residuals_of(model, found)
        for (transport, replicas), found in groups.items()
    }


def _check_places(places: list[Path], *, is_fit: bool, is_page: bool, is_check: bool, out: Path | None) -> None:
    if is_check and (not places or is_fit or is_page):
        raise BadInput("--check takes the directories of runs, and neither --fit nor --page")
    if is_fit and (not places or out is None):
        raise BadInput("--fit takes the directories of runs, and --out the file of the model that it makes of them")
    if is_page and (is_fit or len(places) > 1):
        raise BadInput("--page takes one file, and makes no model: use --fit and --from for that")
    if places and not (is_fit or is_page or is_check):
        raise BadInput(
            f"{places[0]}: only --fit, --check and --page take a place; name runs to take the model from with --from"
        )
    if out is not None and not is_fit:
        raise BadInput("--out is the file of the model that --fit makes; give --fit and the directories of runs")


def _need(  # noqa: PLR0913 -- one for each option
    clients: float | None,
    updates_per_second: float | None,
    fresh_within: float | None,
    payload_bytes: float,
    round_trip: float,
    *,
    may_lack: bool,
) -> Need:
    asked: dict[str, Any] = {
        "clients": clients, "updates_per_second": updates_per_second, "fresh_within_seconds": fresh_within,
        "payload_bytes": payload_bytes, "round_trip_seconds": round_trip,
    }  # fmt: skip
    for name, value in asked.items():
        if value is None:
            if not may_lack:
                raise BadInput(f"{FLAGS[name]} is missing: give --clients, --updates-per-second and --fresh-within")
            asked[name] = getattr(SHIPPED_NEED, name)
    for name, (least, most) in RANGES.items():
        if not least <= asked[name] <= most:
            raise BadInput(f"{FLAGS[name]} must be from {least:,g} to {most:,g}, got {asked[name]:g}")
    return Need(**asked)


def _check_prices(prices: Prices) -> None:
    for name, value in msgspec.structs.asdict(prices).items():
        if not 0 <= value < 1e9:
            raise BadInput(f"{FLAGS[name]} must be at least 0 and below 1,000,000,000, got {value:g}")


def _check_host(host: HostSize) -> None:
    for name, value in msgspec.structs.asdict(host).items():
        if not 0.1 <= value <= 1e5:
            raise BadInput(f"--host-{name} must be from 0.1 to 100,000, got {value:g}")


def _write_page(place: Path, model: CostModel, need: Need, prices: Prices) -> None:
    if place.is_dir():
        raise SystemFault(f"{place}: a directory; name a file for the page")
    with blamed_on(place):
        place.write_text(page_of(model, need, prices), "utf-8")
    sys.stdout.write(f"{place}: open it in a browser; it needs no network\n")


def _json(  # noqa: PLR0913, PLR0917 -- what an advice is made of
    model: CostModel, need: Need, prices: Prices, advice: Advice, flips: list[Flip], host: HostSize
) -> str:
    document = {
        "need": need,
        "prices": prices,
        "take": advice.take and advice.take.transport,
        "cheapest": advice.cheapest and advice.cheapest.transport,
        "host": host,
        "estimates": [
            {
                **msgspec.structs.asdict(one),
                "meets": one.meets,
                "servers": servers_of(one, model)._asdict(),
                "hosts": hosts_of(one, model, host)._asdict(),
            }
            for one in advice.estimates
        ],
        "flips": flips,
        "residuals": model.residuals,
        "measured": model.measured,
        "provenance": model.provenance,
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
