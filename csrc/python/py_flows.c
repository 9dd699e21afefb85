/* py_flows.c - order and layout of flows. */
#include "tw_python.h"

typedef struct {
    const int *product, *exporter, *importer;
    npy_intp n[1];
    Py_ssize_t nproduct, ncountry;
} flow_args;

static int
parse_flows(PyObject *args, const char *format, flow_args *a)
{
    PyObject *product, *exporter, *importer;
    a->n[0] = -1;
    if (!PyArg_ParseTuple(args, format, &product, &exporter, &importer, &a->nproduct,
                          &a->ncountry) ||
        (a->product = py_i32(product, "product", 1, a->n)) == NULL ||
        (a->exporter = py_i32(exporter, "exporter", 1, a->n)) == NULL ||
        (a->importer = py_i32(importer, "importer", 1, a->n)) == NULL) {
        return 0;
    }
    if (a->nproduct < 0 || a->ncountry < 0) {
        PyErr_SetString(PyExc_ValueError, "counts must not be negative");
        return 0;
    }
    return 1;
}

PyObject *
py_sort_flows(PyObject *mod, PyObject *args)
{
    flow_args a;
    if (!parse_flows(args, "OOOnn:sort_flows", &a)) {
        return NULL;
    }
    PyObject *out[4] = {NULL};
    int *sorted[3], is_sorted = 0;
    out[0] = PyArray_SimpleNew(1, a.n, NPY_INTP);
    for (int k = 1; k < 4 && out[k - 1] != NULL; k++) {
        out[k] = PyArray_SimpleNew(1, a.n, NPY_INT);
    }
    PyObject *ret = NULL;
    if (out[3] != NULL) {
        size_t duplicates = 0;
        tw_info info = {.where = -1};
        ptrdiff_t *order = PyArray_DATA((PyArrayObject *)out[0]);
        for (int k = 0; k < 3; k++) {
            sorted[k] = PyArray_DATA((PyArrayObject *)out[k + 1]);
        }
        PyThreadState *ts = PyEval_SaveThread();
        tw_status rc = tw_flow_order(
            (size_t)a.n[0], (size_t)a.nproduct, (size_t)a.ncountry, a.product,
            a.exporter, a.importer, order, sorted, &is_sorted, &duplicates, &info);
        PyEval_RestoreThread(ts);
        if (rc != TW_OK) {
            ret = py_raise_status(mod, rc, &info);
        }
        else if (is_sorted) {
            ret = Py_BuildValue("OnO", Py_None, (Py_ssize_t)duplicates, Py_None);
        }
        else {
            ret = Py_BuildValue("On(OOO)", out[0], (Py_ssize_t)duplicates, out[1],
                                out[2], out[3]);
        }
    }
    for (int k = 0; k < 4; k++) {
        Py_XDECREF(out[k]);
    }
    return ret;
}

PyObject *
py_flow_layout(PyObject *mod, PyObject *args)
{
    flow_args a;
    if (!parse_flows(args, "OOOnn:flow_layout", &a)) {
        return NULL;
    }
    size_t nexp = 0, nimp = 0;
    tw_info info = {.where = -1};
    PyThreadState *ts = PyEval_SaveThread();
    tw_status rc =
        tw_flow_count((size_t)a.n[0], (size_t)a.nproduct, (size_t)a.ncountry, a.product,
                      a.exporter, a.importer, &nexp, &nimp, &info);
    PyEval_RestoreThread(ts);
    if (rc != TW_OK) {
        return py_raise_status(mod, rc, &info);
    }

    npy_intp size[7] = {
        a.nproduct + 1, a.nproduct + 1, (npy_intp)nexp, (npy_intp)nexp + 1,
        a.nproduct + 1, (npy_intp)nimp, a.n[0]};
    const int type[7] = {NPY_INTP, NPY_INTP, NPY_INT, NPY_INTP,
                         NPY_INTP, NPY_INT,  NPY_INT};
    void *data[7];
    PyObject *ret = PyTuple_New(7);
    for (int k = 0; ret != NULL && k < 7; k++) {
        PyObject *array = PyArray_SimpleNew(1, &size[k], type[k]);
        if (array == NULL) {
            Py_CLEAR(ret);
            break;
        }
        data[k] = PyArray_DATA((PyArrayObject *)array);
        PyTuple_SetItem(ret, k, array); /* steals the reference */
    }
    if (ret == NULL) {
        return NULL;
    }
    tw_layout out = {data[0], data[1], data[2], data[3], data[4], data[5], data[6]};

    ts = PyEval_SaveThread();
    rc = tw_flow_layout((size_t)a.n[0], (size_t)a.nproduct, (size_t)a.ncountry,
                        a.product, a.exporter, a.importer, &out);
    PyEval_RestoreThread(ts);
    if (rc != TW_OK) {
        Py_DECREF(ret);
        return py_raise_status(mod, rc, &info);
    }
    return ret;
}
