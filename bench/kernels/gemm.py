"""Multiplies matrices with OpenBLAS for BenchmarkGEMM, on one thread.

Reads lines "NN|NT|TN m n k times", answers each with the CPU seconds that so
many products took. The first line it writes names the library.
"""
import ctypes
import os
import sys
import time

os.environ["OPENBLAS_NUM_THREADS"] = "1"
lib = ctypes.CDLL("libopenblas.so.0")
lib.openblas_get_config.restype = ctypes.c_char_p
print(lib.openblas_get_config().decode().strip(), flush=True)
sgemm = lib.cblas_sgemm
i, f, p = ctypes.c_int, ctypes.c_float, ctypes.c_void_p
sgemm.argtypes = [i, i, i, i, i, i, f, p, i, p, i, f, p, i]
sgemm.restype = None
ROW_MAJOR, AS_IT_IS, TRANSPOSED = 101, 111, 112


def matrix(n):
    return (ctypes.c_float * n)(*([0.25, -0.5, 0.125, 1] * (n // 4 + 1))[:n])


for line in sys.stdin:
    kind, *numbers = line.split()
    m, n, k, times = map(int, numbers)
    a, b, c = matrix(m * k), matrix(k * n), matrix(m * n)
    ta = TRANSPOSED if kind[0] == "T" else AS_IT_IS
    tb = TRANSPOSED if kind[1] == "T" else AS_IT_IS
    lda, ldb = (m if kind[0] == "T" else k), (k if kind[1] == "T" else n)

    def run():
        sgemm(ROW_MAJOR, ta, tb, m, n, k, 1.0, ctypes.addressof(a), lda, ctypes.addressof(b), ldb, 0.0, ctypes.addressof(c), n)

    run()
    start = time.process_time()
    for _ in range(times):
        run()
    print(time.process_time() - start, flush=True)
