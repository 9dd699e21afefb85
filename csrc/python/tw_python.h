/* tw_python.h - Python and NumPy headers in the right order, shared helpers of the binding. */
#ifndef TW_PYTHON_H
#define TW_PYTHON_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define NPY_NO_DEPRECATED_API NPY_1_7_API_VERSION
#define NPY_TARGET_VERSION NPY_2_0_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL tradewar_ARRAY_API
#ifndef TW_IMPORT_ARRAY
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>

#include "tradewar.h"

typedef struct {
    PyObject *ConvergenceError;
} mod_state;

typedef struct {
    PyThreadState *ts;
    double next;
    PyObject *progress; /* called with the number of items begun, or NULL; borrowed */
} py_poll;

/* Borrow the data of `o`, a C-contiguous array of the type; an axis with dims[k] < 0 is
 * filled in, others must match.  NULL with an exception set on anything else. */
const double *py_f64(PyObject *o, const char *name, int nd, npy_intp *dims);
const ptrdiff_t *py_i64(PyObject *o, const char *name, int nd, npy_intp *dims);
const int *py_i32(PyObject *o, const char *name, int nd, npy_intp *dims);
/* Optional float64 array of the length: None gives NULL.  0 on an error. */
int py_optional_f64(PyObject *o, const char *name, npy_intp length, const double **out);
/* Offsets must start at 0, never fall, and end where the arrays end.  0 on an error. */
int py_offsets(const ptrdiff_t *ptr, npy_intp n, npy_intp end, const char *name);

int py_poll_signals(void *ctx, int done, double residual); /* a tw_poll_fn */
PyObject *py_raise_status(PyObject *mod, tw_status rc, const tw_info *info);

PyObject *py_sort_flows(PyObject *mod, PyObject *args);
PyObject *py_flow_layout(PyObject *mod, PyObject *args);
PyObject *py_pe_solve(PyObject *mod, PyObject *args);
PyObject *py_spatial_solve(PyObject *mod, PyObject *args);
PyObject *py_pe_cause(PyObject *mod, PyObject *args);
PyObject *py_ge_pack(PyObject *mod, PyObject *args);
PyObject *py_ge_solve(PyObject *mod, PyObject *args);
PyObject *py_ge_evaluate(PyObject *mod, PyObject *args);
PyObject *py_ge_gradient(PyObject *mod, PyObject *args);
PyObject *py_ge_cause(PyObject *mod, PyObject *args);
PyObject *py_vexp(PyObject *mod, PyObject *args);
PyObject *py_vlog(PyObject *mod, PyObject *args);

#endif /* TW_PYTHON_H */
