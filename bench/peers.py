"""peers.py - what make bench and make compare run programs under: our modes, and what Debian has.

A peer is an environment, a command before the program's, or another build of the program (asan). `says`: what
its report of each kind of bug begins with; a peer that only stops the program has none.
"""
import dataclasses
import glob
import os
import shutil

LIB = "/usr/lib/x86_64-linux-gnu"


@dataclasses.dataclass
class Peer:
    name: str
    env: dict = dataclasses.field(default_factory=dict)
    prefix: list = dataclasses.field(default_factory=list)
    asan: bool = False
    says: dict = dataclasses.field(default_factory=dict)


OURS = {kind: f"undangle: ERROR: {kind}" for kind in ("use-after-free", "double-free", "invalid-free", "out-of-bounds")}
ABORTS = {
    "glibc": {"double-free": r"double free", "invalid-free": r"invalid (pointer|size)"},
    "tcmalloc": {"invalid-free": r"Attempt to free invalid pointer"},
    "scudo": {"double-free": r"Scudo ERROR: invalid chunk state", "invalid-free": r"Scudo ERROR: (misaligned pointer|corrupted chunk header)"},
}
MEMCHECK = {
    "use-after-free": r"(?s)Invalid (read|write).{0,2000}?inside a block of size [\d,]+ free'd|points to unaddressable byte|Jump to the invalid",
    "double-free": r"(?s)Invalid free\(\).{0,2000}?inside a block of size [\d,]+ free'd",
    "invalid-free": r"Invalid free\(\)",
    "out-of-bounds": r"Invalid (read|write)",
}
ASAN = {
    "use-after-free": r"AddressSanitizer: heap-use-after-free",
    "double-free": r"AddressSanitizer: attempting double-free",
    "invalid-free": r"AddressSanitizer: (attempting free on address|bad-free|alloc-dealloc-mismatch)",
    "out-of-bounds": r"AddressSanitizer: (heap-buffer-overflow|SEGV)",
}
# name: what detection it stands for, in UNDANGLE_OPTIONS
MODES = {
    "production": "profile=production",
    "deferred": "detect=deferred:stacks=off:quiet",
    "adaptive": "detect=adaptive:stacks=off:quiet",
    "strict": "detect=strict:stacks=off:quiet",
    "debug": "profile=debug:quiet",
}
# only where they are named
ASKED = {"unsampled": "profile=production:sample=0"}


def preload(name, path, says=None, **env):
    return Peer(name, dict(env, LD_PRELOAD=path), says=says or {})


def modes(lib):
    return [Peer("glibc", says=ABORTS["glibc"])] + [preload(m, lib, OURS, UNDANGLE_OPTIONS=o) for m, o in MODES.items()]


def others():
    """Those that are installed."""
    libs = {
        "jemalloc": f"{LIB}/libjemalloc.so.2",
        "mimalloc": f"{LIB}/libmimalloc.so.2",
        "tcmalloc": f"{LIB}/libtcmalloc_minimal.so.4",
        "scudo": next(iter(glob.glob("/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.scudo_standalone-x86_64.so")), ""),
    }
    found = [preload(n, p, ABORTS.get(n)) for n, p in libs.items() if os.path.exists(p)]
    if os.path.exists("/usr/lib/libefence.so.0"):
        found.append(preload("efence", "/usr/lib/libefence.so.0", EF_DISABLE_BANNER="1", EF_PROTECT_FREE="1", EF_ALLOW_MALLOC_0="1"))
    if shutil.which("valgrind"):
        found.append(Peer("valgrind", prefix=["valgrind", "-q", "--error-exitcode=99", "--leak-check=no"], says=MEMCHECK))
    found.append(Peer("asan", {"ASAN_OPTIONS": "detect_leaks=0"}, asan=True, says=ASAN))
    return found


def chosen(lib, others_too, named, names):
    """glibc first; named: NAME=PATH of any other preloadable library; names: a,b: only those of all of them."""
    every = modes(lib) + (others() if others_too else []) + [preload(*n.split("=", 1)) for n in named]
    wanted = names.split(",") if names else []
    every += [preload(n, lib, OURS, UNDANGLE_OPTIONS=o) for n, o in ASKED.items() if n in wanted]
    return [p for p in every if p.name == "glibc" or not wanted or p.name in wanted]
