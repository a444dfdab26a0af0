"""The record that `make cuda-compile` compiles from is complete, and what it relies on holds without a compiler."""

from __future__ import annotations

from cuda_compile.kernel_list import find_kernels, is_current, read_launches

from simloom.kernels.device_compiler import share_tables


def test_every_kernel_is_recorded() -> None:
    """Each kernel has been seen with the arguments that it takes now, and no other is in the record."""
    kernels, launches = find_kernels(), read_launches()
    missing = [name for name, one in kernels.items() if not any(is_current(one, k) for k in launches.get(name, []))]
    stale = [
        name
        for name in launches
        if name not in kernels or not all(is_current(kernels[name], k) for k in launches[name])
    ]

    assert not missing + stale, (
        f"not recorded: {missing}; no longer so: {stale}; run `make cuda-record TESTS=<test files that launch them>`"
    )


def test_equal_tables_become_one() -> None:
    """Copies of a constant array, within a module and across them, are one array outside constant memory."""
    table = '@"_cudapy_cmem{}" = internal addrspace(4) constant [2 x i8] [i8 {}, i8 2], align 4'
    use = '%"{}" = addrspacecast [2 x i8] addrspace(4)* @"_cudapy_cmem{}" to [2 x i8]*'
    first = "\n".join([table.format("", 1), table.format(".1", 1), use.format(1, ""), use.format(2, ".1")])
    second = "\n".join([table.format("", 1), table.format(".1", 7), use.format(1, ""), use.format(2, ".1")])
    plain = '@"text" = internal addrspace(4) constant [2 x i8] c"a\\00"'
    found = share_tables([first, second, plain])
    names = [
        [line.split("@")[1].split('"')[1] for line in source.splitlines() if "addrspacecast" in line]
        for source in found[:2]
    ]

    assert names[0][0] == names[0][1] == names[1][0] != names[1][1]
    assert found[0].count("linkonce_odr addrspace(1) constant") == 1
    assert found[1].count("linkonce_odr addrspace(1) constant") == 2
    assert "cmem" not in "".join(found)
    assert found[2] == plain
