"""Stacks of a profile: each sample is in one place, by its system call or by the library of its innermost frame."""

import pytest

from benchmarks.stacks import PLACES, place_of, shares_of, stacks_of

SENT = """
ffffffff81e2f000 sock_def_readable ([kernel.kallsyms])
ffffffff8200ec5b tcp_sendmsg ([kernel.kallsyms])
ffffffff81e2f330 __x64_sys_sendto ([kernel.kallsyms])
ffffffff81000130 entry_SYSCALL_64_after_hwframe ([kernel.kallsyms])
10aba4 __send (/usr/lib/x86_64-linux-gnu/libc.so.6)
"""
READ = """
ffffffff82026060 __tcp_transmit_skb ([kernel.kallsyms])
ffffffff81e30087 __sys_recvmsg ([kernel.kallsyms])
10aae7 __libc_recvmsg (/usr/lib/x86_64-linux-gnu/libc.so.6)
0 [unknown] ([unknown])
"""
WAITED = "\tffffffff81 do_epoll_wait ([kernel.kallsyms])\n"
INTERRUPTED = "\tffffffff82 handle_softirqs ([kernel.kallsyms])\n\t18a8d8 x_sub (/usr/lib/libpython3.11.so.1.0)\n"
PYTHON = "\t18a8d8 x_sub (/usr/lib/libpython3.11.so.1.0)\n\t7fd20ede8e00 [unknown] ([unknown])\n"
PROGRAM = "\t18a8d8 _PyEval_EvalFrameDefault (/usr/bin/python3.11)\n"
LOOP = "\t1234 uv__io_poll (/venv/uvloop/loop.cpython-311-x86_64-linux-gnu.so)\n"
SWITCHED = "\t1234 green_switch (/venv/greenlet/_greenlet.cpython-311-x86_64-linux-gnu.so)\n"
DECODED = "\t1234 Struct_dealloc_nogc (/venv/msgspec/_core.cpython-311-x86_64-linux-gnu.so)\n"
COPIED = "\t1234 __memmove_avx512_unaligned_erms (/usr/lib/x86_64-linux-gnu/libc.so.6)\n"


@pytest.mark.parametrize(
    ("stack", "place"),
    [
        (SENT, "sending"),
        (READ, "receiving"),
        (WAITED, "waiting"),
        (INTERRUPTED, "kernel, other"),
        (PYTHON, "Python"),
        (PROGRAM, "Python"),
        (LOOP, "uvloop"),
        (SWITCHED, "gevent"),
        (DECODED, "msgspec"),
        (COPIED, "other"),
    ],
)
def test_sample_is_in_its_system_call_or_in_the_library_of_its_innermost_frame(stack: str, place: str) -> None:
    (frames,) = stacks_of(stack)
    assert place == place_of(frames)


def test_shares_are_of_all_samples_and_waking_is_a_part_of_sending() -> None:
    sent = SENT.replace("sock_def_readable", "tcp_ack")
    shares = shares_of(stacks_of(f"{SENT}\n\n{sent}\n\n{PYTHON}\n\n{READ}"))

    assert list(PLACES) == list(shares)
    assert (0.5, 0.25, 0.25, 0.25) == tuple(
        shares[place] for place in ("sending", "of it, waking", "receiving", "Python")
    )
    assert 1.0 == sum(shares.values()) - shares["of it, waking"]


def test_nothing_sampled_is_no_share_of_anything() -> None:
    assert dict.fromkeys(PLACES, 0.0) == shares_of(stacks_of(""))
