"""Describe the extension ``tradewar._core``; every other fact is in pyproject.toml.

Switches, read from the environment:

TRADEWAR_WERROR=1      the project's warnings, as errors
TRADEWAR_SANITIZE=...  gcc and clang sanitizers, e.g. ``address,undefined``
TRADEWAR_ABI3=1        limited API of CPython 3.11: one wheel for every later GIL build
"""

from __future__ import annotations

import os
import platform
import sys
import sysconfig
from glob import glob

import numpy as np
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist

# Compiled once per level, from the same text; tests/c/Makefile says the same.
LEVELLED = "kernels ge_kernels ge_sweep ge_tangent ge_transpose"
KERNELS = [f"csrc/core/tw_{name}.c" for name in LEVELLED.split()]
SOURCES = sorted(glob("csrc/core/*.c") + glob("csrc/python/*.c"))
HEADERS = sorted(glob("csrc/*/*.h"))

CFLAGS = ["-std=c11", "-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]
CFLAGS += ["-fvisibility=hidden"]
WERROR = ["-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Wundef", "-Wstrict-prototypes"]
WERROR += ["-Wmissing-prototypes", "-Wvla", "-Werror"]
LEVELS = {  # suffix of the kernels' names: flags; tests/c/Makefile says the same
    "avx2": ["-mavx2"],
    "avx512": [
        "-mavx512f",
        "-mavx512dq",
        "-mavx512vl",
        "-mavx512bw",
        "-mprefer-vector-width=512",
    ],
}

ABI3 = os.environ.get("TRADEWAR_ABI3", "") not in ("", "0")
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def has_levels() -> bool:
    """Tell whether the target is x86-64 alone (a macOS build may be for two machines at once)."""
    target = os.environ.get("ARCHFLAGS", "") + sysconfig.get_platform()
    machine = platform.machine().lower() in ("x86_64", "amd64")
    return machine and not any(arch in target for arch in ("arm64", "aarch64", "universal2"))


class BuildExt(build_ext):
    """Add the compiler's flags and the objects of the vector levels."""

    def build_extension(self, ext: Extension) -> None:
        ext.define_macros.append(("TW_VERSION", f'"{self.distribution.get_version()}"'))
        if self.compiler.compiler_type == "msvc":
            ext.extra_compile_args = ["/std:c11", "/O2", "/fp:precise"]
            ext.include_dirs.append(np.get_include())
        else:
            self.set_unix_flags(ext)
            if has_levels():
                self.add_levels(ext)
        super().build_extension(ext)

    def set_unix_flags(self, ext: Extension) -> None:
        # -isystem: NumPy's headers are not ours to warn about.
        ext.extra_compile_args = [*CFLAGS, "-isystem", np.get_include()]
        ext.libraries = ["m", "pthread"]
        if os.environ.get("TRADEWAR_WERROR", "") not in ("", "0"):
            ext.extra_compile_args += WERROR
        sanitize = os.environ.get("TRADEWAR_SANITIZE", "")
        if sanitize:
            flag = f"-fsanitize={sanitize}"
            keep_going = "-fno-sanitize-recover=all"
            ext.extra_compile_args += [flag, keep_going, "-g", "-O1", "-fno-omit-frame-pointer"]
            ext.extra_compile_args += ["-UNDEBUG"]
            ext.extra_link_args = [flag]

    def add_levels(self, ext: Extension) -> None:
        for level, flags in LEVELS.items():
            ext.extra_objects += self.compiler.compile(
                KERNELS,
                output_dir=os.path.join(self.build_temp, level),
                macros=[*ext.define_macros, ("TW_LEVEL", f"_{level}")],
                include_dirs=ext.include_dirs,
                extra_postargs=[*ext.extra_compile_args, *flags],
                depends=ext.depends,
            )
        ext.define_macros += [(f"TW_HAVE_{level.upper()}", "1") for level in LEVELS]


class Sdist(sdist):
    """Add headers, tests and papers, which no other rule puts into the archive."""

    def make_distribution(self) -> None:
        found = glob("tests/**/*", recursive=True) + glob(".ci/*") + glob("notebooks/*.ipynb")
        extra = HEADERS + [name for name in found if "__pycache__" not in name]
        extra += ["CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", ".clang-format"]
        self.filelist.extend(name for name in extra if os.path.isfile(name))
        self.filelist.remove_duplicates()
        super().make_distribution()


if ABI3 and FREE_THREADED:
    sys.exit("TRADEWAR_ABI3 cannot be used with a free-threaded Python: it loads no abi3 module")

setup(
    ext_modules=[
        Extension(
            "tradewar._core",
            sources=SOURCES,
            depends=HEADERS,
            include_dirs=["csrc/include", "csrc/core"],
            define_macros=[("Py_LIMITED_API", "0x030B0000")] if ABI3 else [],
            py_limited_api=ABI3,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if ABI3 else {},
    cmdclass={"build_ext": BuildExt, "sdist": Sdist},
)
