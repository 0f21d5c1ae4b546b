"""What ffmpeg's jail is made of, as values."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.audio.jail import cell, landlock, libraries, seccomp
from voxtrald.audio.jail.keeper import describe_jail
from voxtrald.audio.jail.orders import (
    ABSENT,
    LANDLOCK,
    LAYERS,
    SECCOMP,
    Ended,
    Failed,
    Offered,
    Order,
    Regime,
    Started,
    Unintelligible,
    pack_offered,
    pack_order,
    pack_regime,
    pack_report,
    read_offered,
    read_order,
    read_regime,
    read_report,
)

# What a name can be: any bytes but NUL, those that are no text shown as surrogates.
WORDS = st.binary(max_size=20).map(lambda word: word.replace(b"\0", b"").decode("utf-8", "surrogateescape"))
NUMBERS = st.integers(-1, 1 << 63)
LISTS = st.lists(WORDS, max_size=4).map(tuple)

ALLOW, KILL, EPERM, ENOSYS = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026


def judge(program: bytes, *, audit: int, number: int, arguments: tuple[int, ...] = ()) -> int:
    """Run a filter as the kernel does; what is not one of its few instructions is an error."""
    call = struct.pack("<IIQ6Q", number, audit, 0, *arguments, *(0,) * (6 - len(arguments)))
    lines = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    at = loaded = 0
    while True:
        code, if_so, if_not, value = lines[at]
        at += 1
        match code:
            case 0x20:
                (loaded,) = struct.unpack_from("<I", call, value)
            case 0x54:
                loaded &= value
            case 0x15:
                at += if_so if loaded == value else if_not
            case 0x06:
                return value
            case _:
                raise AssertionError(code)


@given(st.builds(Order, LISTS, WORDS, WORDS, NUMBERS, NUMBERS, NUMBERS))
def test_an_order_arrives_as_it_was_given(order):
    """Whatever bytes a name consists of, the warden gets the very same."""
    assert read_order(pack_order(order)) == order


@given(st.builds(Regime, WORDS, LISTS, LISTS, LISTS, LISTS))
def test_a_regime_arrives_as_it_was_given(regime):
    """Lists of any length are kept apart."""
    assert read_regime(pack_regime(regime)) == regime


@pytest.mark.parametrize("report", [Started(12), Ended(-9), Ended(0), Failed("exec", 13)])
def test_a_report_arrives_as_it_was_given(report):
    """What the warden tells is read as such."""
    assert read_report(pack_report(report)) == report


@given(NUMBERS, st.lists(st.tuples(WORDS, WORDS), max_size=3).map(tuple))
def test_an_offer_arrives_as_it_was_given(abi, absent):
    """What is missing arrives with its reason."""
    offered = Offered(landlock_abi=abi, absent=absent)

    assert read_offered(pack_offered(offered)) == offered


@given(st.binary(max_size=40), st.sampled_from([read_order, read_regime, read_report, read_offered]))
def test_nonsense_is_noticed(message, read):
    """A message that is none of ours is read as something of ours, or refused; nothing else happens."""
    with contextlib.suppress(Unintelligible):
        assert isinstance(read(message), tuple)


@pytest.mark.parametrize("machine", seccomp.MACHINES)
def test_the_filter_leaves_what_is_listed(machine):
    """Each listed call passes, and each other one does not exist."""
    audit, column = seccomp.MACHINES[machine]
    program = seccomp.write_filter(machine)
    numbers = {numbers[column] for numbers in seccomp.ALLOWED.values()} - {-1}
    guarded = {entry[column] for entry in seccomp.GUARDED.values()}
    judged = {number: judge(program, audit=audit, number=number) for number in range(600)}

    assert {number for number, verdict in judged.items() if verdict == ALLOW} - guarded == numbers
    assert {verdict for number, verdict in judged.items() if number not in numbers | guarded} == {ENOSYS}
    assert len(program) // 8 <= 4096  # BPF_MAXINSNS


@pytest.mark.parametrize("machine", seccomp.MACHINES)
@pytest.mark.parametrize(
    ("name", "arguments", "verdict"),
    [
        ("clone", (0x3D0F00,), ALLOW),  # pthread_create of glibc
        ("clone", (0x11,), EPERM),  # fork
        ("clone", (0x4111,), EPERM),  # vfork
        ("mmap", (0, 4096, 5), ALLOW),  # code of a library
        ("mmap", (0, 4096, 3), ALLOW),
        ("mmap", (0, 4096, 7), EPERM),
        ("mprotect", (0, 4096, 1), ALLOW),
        ("mprotect", (0, 4096, 5), EPERM),
        ("fcntl", (3, 3), ALLOW),
        ("fcntl", (3, 8), EPERM),  # F_SETOWN
        ("prctl", (15,), ALLOW),
        ("prctl", (22,), EPERM),
        ("prlimit64", (0, 3), ALLOW),
        ("prlimit64", (1, 3), EPERM),
    ],
)
def test_the_filter_looks_at_arguments(machine, name, arguments, verdict):
    """Threads but no processes, code but none written, its own limits but not another's."""
    audit, column = seccomp.MACHINES[machine]

    assert judge(
        seccomp.write_filter(machine), audit=audit, number=seccomp.GUARDED[name][column], arguments=arguments
    ) == (verdict)


@pytest.mark.parametrize(("audit", "number"), [(0x40000003, 4), (0xC000003E, 0x40000001)], ids=["i386", "x32"])
def test_another_abi_is_no_way_round(audit, number):
    """The same kernel's other sets of numbers end the process or do not exist."""
    assert judge(seccomp.write_filter("x86_64"), audit=audit, number=number) in {KILL, ENOSYS}


@pytest.mark.parametrize(
    ("abi", "words"),
    [(1, (0x1FFF,)), (2, (0x3FFF,)), (3, (0x7FFF,)), (4, (0x7FFF, 3)), (5, (0xFFFF, 3)), (6, (0xFFFF, 3, 3))],
)
def test_a_ruleset_refuses_all_that_its_version_can(abi, words):
    """Files, then ports, then signals, as the kernel learned them; a later version gets what this program knows."""
    assert struct.unpack(f"={len(words)}Q", landlock.ruleset(abi)) == words
    assert landlock.ruleset(max(abi, 6) + 3) == landlock.ruleset(6)


def test_what_the_kernel_lacks_is_left_out():
    """Each layer that is absent is left out alone, and the others stay."""
    regime = Regime(program="")
    whole = cell.plan_walls(regime, Offered(landlock_abi=4))
    fenceless = cell.plan_walls(regime, Offered(landlock_abi=ABSENT, absent=((LANDLOCK, "none"),)))
    unfiltered = cell.plan_walls(regime, Offered(landlock_abi=4, absent=((SECCOMP, "none"),)))

    assert whole.privileges
    assert whole.landlock_abi == 4
    assert whole.filter
    assert fenceless == whole._replace(landlock_abi=ABSENT)
    assert unfiltered == whole._replace(filter=b"")


def test_what_the_kernel_lacks_is_told():
    """The line of `voxtrald check` names what is in force, and what is not, with the kernel's reason."""
    whole = describe_jail(Offered(landlock_abi=7), asked=LAYERS)
    less = describe_jail(Offered(landlock_abi=ABSENT, absent=((LANDLOCK, "Function not implemented"),)), asked=LAYERS)

    assert str(whole) == "no new privileges, landlock (version 7), seccomp, limits"
    assert whole.absent == ()
    assert str(less) == "no new privileges, seccomp, limits"
    assert less.absent == ("landlock: Function not implemented",)


def test_a_loaders_list_is_read():
    """Libraries and the loader itself are files; what the kernel brings along is none."""
    listed = (
        "\tlinux-vdso.so.1 (0x00007ffe3e7f8000)\n"
        "\tlibavdevice.so.59 => /lib/x86_64-linux-gnu/libavdevice.so.59 (0x00007f1f0a000000)\n"
        "\tlibodd name.so => /opt/my libs/libodd name.so (0x00007f1f09000000)\n"
        "\t/lib64/ld-linux-x86-64.so.2 (0x00007f1f0b000000)\n"
    )

    assert libraries.read_libraries(listed) == (
        Path("/lib/x86_64-linux-gnu/libavdevice.so.59"),
        Path("/opt/my libs/libodd name.so"),
        Path("/lib64/ld-linux-x86-64.so.2"),
    )


@given(st.binary(max_size=200))
def test_a_strange_program_is_read_without_an_error(rest):
    """A head that is no program, or a broken one, has no loader, or one that is written in it."""
    found = libraries.find_loader(b"\x7fELF\x02\x01" + rest)

    assert found is None or found.encode("utf-8", "surrogateescape") in b"\x7fELF\x02\x01" + rest
    assert libraries.find_loader(rest[::-1]) is None


def test_a_program_names_its_loader():
    """The loader is where the third kind of program header says."""
    entry = struct.pack("<IIQQQQQQ", 3, 4, 120, 0, 0, 12, 12, 1)
    head = b"\x7fELF\x02\x01".ljust(0x20, b"\0") + struct.pack("<Q", 64) + bytes(14) + struct.pack("<HH", 56, 1)

    assert libraries.find_loader(head.ljust(64, b"\0") + entry + b"/lib/ld.so.2\0") == "/lib/ld.so.2"
