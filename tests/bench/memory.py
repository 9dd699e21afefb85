"""Child process: peak extra memory of from_frame and of solve_pe, in multiples of two columns.

Run by `tests.bench`; prints one JSON line. Arguments: number of products, seed-free.
"""

from __future__ import annotations

import json
import sys

import tradewar as tw
from tests.bench import bench_frames, world
from tests.bench.machine import peak_rss


def reset_peak() -> bool:
    """Ask the kernel to forget the highest resident size; only Linux can."""
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
    except OSError:
        return False
    return True


def resident(field: str) -> int:
    """Resident bytes now (VmRSS) or at the peak since the reset (VmHWM)."""
    try:
        with open("/proc/self/status", encoding="ascii") as lines:
            for line in lines:
                if line.startswith(field):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return peak_rss()


def extra(call):
    """Bytes by which `call` raises the resident size at its peak."""
    reset_peak()
    before = resident("VmRSS")
    out = call()
    return resident("VmHWM") - before, out


def main(products: int) -> None:
    w = world.generate(products)
    columns = w.value.nbytes + w.tariff.nbytes
    df = bench_frames.frame(w, "categorical", "random")
    del w
    bench_frames.answer(df.iloc[:2000])  # imports and caches are not the question
    made, data = extra(lambda: tw.TradeData.from_frame(df))
    solved, res = extra(lambda: bench_frames.solve(data))
    read, _ = extra(lambda: bench_frames.tables(res))
    out = {"from_frame": made, "solve": solved, "tables": read, "columns": columns}
    print(json.dumps(out))


if __name__ == "__main__":
    main(int(sys.argv[1]))
