/* py_spatial.c - spatial price equilibrium of one homogeneous good. */
#include "tw_python.h"

static int
optional_matrix(PyObject *o, const char *name, npy_intp *dims, const double **out)
{
    *out = NULL;
    return o == Py_None || (*out = py_f64(o, name, 2, dims)) != NULL;
}

PyObject *
py_spatial_solve(PyObject *mod, PyObject *args)
{
    PyObject *sl, *ss, *dl, *ds, *cost, *tariff, *limit, *out[4] = {NULL};
    py_poll poll = {0};
    tw_spatial_problem pb = {0};
    tw_options opt = {.poll = py_poll_signals, .poll_ctx = &poll, .threads = 1};
    tw_info info = {.where = -1};
    npy_intp ni[1] = {-1}, nn[1] = {-1};
    if (!PyArg_ParseTuple(args, "iiOOOOOOOddi:spatial_solve", &pb.supply_form,
                          &pb.demand_form, &sl, &ss, &dl, &ds, &cost, &tariff, &limit,
                          &pb.start, &opt.tol, &opt.max_iter) ||
        (pb.supply_level = py_f64(sl, "supply_level", 1, ni)) == NULL ||
        (pb.supply_slope = py_f64(ss, "supply_slope", 1, ni)) == NULL ||
        (pb.demand_level = py_f64(dl, "demand_level", 1, nn)) == NULL ||
        (pb.demand_slope = py_f64(ds, "demand_slope", 1, nn)) == NULL) {
        return NULL;
    }
    npy_intp dims[2] = {ni[0], nn[0]};
    if ((pb.cost = py_f64(cost, "cost", 2, dims)) == NULL ||
        !optional_matrix(tariff, "tariff", dims, &pb.tariff) ||
        !optional_matrix(limit, "limit", dims, &pb.limit)) {
        return NULL;
    }
    if (pb.supply_form < TW_LINEAR || pb.supply_form > TW_ISOELASTIC ||
        pb.demand_form < TW_LINEAR || pb.demand_form > TW_ISOELASTIC) {
        return PyErr_Format(PyExc_ValueError, "unknown form of a curve");
    }
    pb.nexporter = (size_t)ni[0];
    pb.nimporter = (size_t)nn[0];
    out[0] = PyArray_SimpleNew(1, ni, NPY_DOUBLE);
    out[1] = PyArray_SimpleNew(1, nn, NPY_DOUBLE);
    out[2] = PyArray_SimpleNew(2, dims, NPY_DOUBLE);
    out[3] = PyArray_SimpleNew(2, dims, NPY_DOUBLE);
    PyObject *ret = NULL;
    if (out[0] != NULL && out[1] != NULL && out[2] != NULL && out[3] != NULL) {
        double *data[4];
        for (int k = 0; k < 4; k++) {
            data[k] = PyArray_DATA((PyArrayObject *)out[k]);
        }
        poll.ts = PyEval_SaveThread();
        tw_status rc =
            tw_spatial_solve(&pb, &opt, data[0], data[1], data[2], data[3], &info);
        PyEval_RestoreThread(poll.ts);
        ret = rc == TW_OK ? Py_BuildValue("OOOOid", out[0], out[1], out[2], out[3],
                                          info.iterations, info.residual)
                          : py_raise_status(mod, rc, &info);
    }
    for (int k = 0; k < 4; k++) {
        Py_XDECREF(out[k]);
    }
    return ret;
}
