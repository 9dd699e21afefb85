/* py_util.c - argument checks, signal polling, one translation of status to exception. */
#include "tw_python.h"

#include <time.h>

static const void *
borrow(PyObject *o, const char *name, int type, const char *type_name, int nd,
       npy_intp *dims)
{
    PyArrayObject *a = (PyArrayObject *)o;
    if (!PyArray_Check(o) || PyArray_TYPE(a) != type || PyArray_NDIM(a) != nd ||
        !PyArray_ISCARRAY_RO(a)) { /* C-contiguous, aligned, native byte order */
        PyErr_Format(PyExc_TypeError, "%s must be a %d-d C-contiguous %s ndarray", name,
                     nd, type_name);
        return NULL;
    }
    for (int k = 0; k < nd; k++) {
        if (dims[k] >= 0 && dims[k] != PyArray_DIM(a, k)) {
            PyErr_Format(PyExc_ValueError, "%s: axis %d has length %zd, expected %zd",
                         name, k, (Py_ssize_t)PyArray_DIM(a, k), (Py_ssize_t)dims[k]);
            return NULL;
        }
        dims[k] = PyArray_DIM(a, k);
    }
    return PyArray_DATA(a);
}

const double *
py_f64(PyObject *o, const char *name, int nd, npy_intp *dims)
{
    return borrow(o, name, NPY_DOUBLE, "float64", nd, dims);
}

const ptrdiff_t *
py_i64(PyObject *o, const char *name, int nd, npy_intp *dims)
{
    return borrow(o, name, NPY_INTP, "intp", nd, dims);
}

const int *
py_i32(PyObject *o, const char *name, int nd, npy_intp *dims)
{
    return borrow(o, name, NPY_INT, "int32", nd, dims);
}

int
py_optional_f64(PyObject *o, const char *name, npy_intp length, const double **out)
{
    npy_intp n[1] = {length};
    *out = NULL;
    return o == Py_None || (*out = py_f64(o, name, 1, n)) != NULL;
}

int
py_offsets(const ptrdiff_t *ptr, npy_intp n, npy_intp end, const char *name)
{
    int bad = n < 1 || ptr[0] != 0 || ptr[n - 1] != end;
    for (npy_intp k = 1; k < n && !bad; k++) {
        bad = ptr[k] < ptr[k - 1];
    }
    if (bad) {
        PyErr_Format(PyExc_ValueError, "%s is not a list of offsets from 0 to %zd",
                     name, (Py_ssize_t)end);
    }
    return !bad;
}

static double
now(void)
{
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int /* runs on the calling thread, GIL released */
py_poll_signals(void *ctx, int done, double residual)
{
    py_poll *p = ctx;
    (void)residual;
    if (now() < p->next) {
        return 0;
    }
    p->next = now() + 0.05; /* s: prompt for a person, free for the solver */
    PyEval_RestoreThread(p->ts);
    int stop = PyErr_CheckSignals() < 0; /* does nothing off the main thread */
    if (!stop && p->progress != NULL) {
        PyObject *ret = PyObject_CallFunction(p->progress, "i", done);
        stop = ret == NULL;
        Py_XDECREF(ret);
    }
    p->ts = PyEval_SaveThread();
    return stop;
}

PyObject * /* always NULL, with an exception set */
py_raise_status(PyObject *mod, tw_status rc, const tw_info *info)
{
    PyObject *type = ((mod_state *)PyModule_GetState(mod))->ConvergenceError;
    switch (rc) {
        case TW_EINTR:
            if (!PyErr_Occurred()) { /* else the handler's exception is already set */
                PyErr_SetNone(PyExc_KeyboardInterrupt);
            }
            return NULL;
        case TW_ENOMEM:
            return PyErr_NoMemory();
        case TW_EDOMAIN:
            return PyErr_Format(PyExc_ValueError, "%s (flat index %zd)",
                                info->what != NULL ? info->what : "outside the domain",
                                (Py_ssize_t)info->where);
        default:
            break;
    }
    PyObject *exc =
        PyObject_CallFunction(type, "sidnO", tw_status_name(rc), info->iterations,
                              info->residual, (Py_ssize_t)info->where, Py_None);
    if (exc != NULL) {
        PyErr_SetObject(type, exc); /* .status .iterations .residual .where .last */
        Py_DECREF(exc);
    }
    return NULL;
}
