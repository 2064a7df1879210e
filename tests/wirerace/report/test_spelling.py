from wirerace.record.result import Interval
from wirerace.report.spelling import spell_interval, spell_spread


def test_spread_is_spelled_in_the_unit_of_the_value() -> None:
    assert "501 ± 2 ms" == spell_spread(0.501, 0.0019, "seconds")
    assert "2.54 ± 0.09 ms" == spell_spread(0.00254, 0.000091, "seconds")
    assert "5 ± 0.71" == spell_spread(5.0, 0.708, "ratio")
    assert "0 ± 1.58 %" == spell_spread(0.0, 0.0158, "fraction")
    assert "501 ± 0.05 ms" == spell_spread(0.501, 0.00005, "seconds")
    assert "717 ± 146 ms" == spell_spread(0.717, 0.146, "seconds")
    assert "500 ms" == spell_spread(0.5, 0.0, "seconds")
    assert "501 ± 2 ms" == spell_interval(Interval(0.501, 0.499, 0.503), "seconds")
    assert "100 %" == spell_interval(Interval(1.0, 1.0, 1.0), "fraction")
    assert "–" == spell_interval(Interval(None, None, None), "fraction")
