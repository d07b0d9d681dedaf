// The extension module of zygotes and pods: what zygote.py cannot do itself.

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <exception>

#include "interpreter.h"
#include "orders.hpp"
#include "pod.hpp"

namespace {

using podium::pod::Order;
using podium::pod::Pod;
using podium::pod::Work;

/// Takes out of memory what /proc/<pid>/environ shows: nothing of the zygote's is a program's
/// business. What is read later comes from the run.
PyObject* forget_environment(PyObject*, PyObject*) {
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    std::memset(*variable, 0, std::strlen(*variable));
  }
  static char* none[] = {nullptr};
  environ = none;
  Py_RETURN_NONE;
}

PyObject* failed(PyObject*, PyObject* args) {
  int error = 0;
  const char* what = "";
  if (!PyArg_ParseTuple(args, "is", &error, &what)) return nullptr;
  podium::pod::say_failed(error, what);
}

PyObject* strings(char** list, bool as_bytes) {
  PyObject* out = PyList_New(0);
  for (; out != nullptr && *list != nullptr; ++list) {
    PyObject* item = as_bytes ? PyBytes_FromString(*list) : PyUnicode_DecodeFSDefault(*list);
    if (item == nullptr || PyList_Append(out, item) != 0) Py_CLEAR(out);
    Py_XDECREF(item);
  }
  return out;
}

/// Pods have no other way to tell of a fault of their own than stderr and an exit code.
void check(bool ok) {
  if (ok) return;
  PyErr_Print();
  ::_exit(127);
}

void call(PyObject* function, PyObject* arguments) {
  PyObject* result = arguments != nullptr ? PyObject_CallObject(function, arguments) : nullptr;
  check(result != nullptr);
  Py_DECREF(result);
  Py_DECREF(arguments);
}

[[noreturn]] void live_as_pod(const Order& order, const podium::sandbox::SeccompProgram& seccomp,
                              PyObject* prepare, PyObject* begin, PyObject* end) {
  Pod pod;
  pod.enter(order, seccomp);
  check(podium_fresh_thread_state() == 0 &&
        podium_fresh_main(podium::sandbox::kZygoteScript) == 0);
  call(prepare, PyTuple_New(0));
  check(podium_fresh_main(podium::sandbox::kZygoteScript) == 0);
  Work work;
  pod.wait(work);
  call(begin, Py_BuildValue("(NN)", strings(work.command, false), strings(work.environment, true)));
  const int status = podium_run_main(work.source, end);
  if (status == -SIGINT) {
    std::fflush(nullptr);
    ::signal(SIGINT, SIG_DFL);
    ::kill(::getpid(), SIGINT);
  }
  std::exit(status == -SIGINT ? 128 + SIGINT : status);
}

/// serve(prepare, begin, end): the rest of the zygote's life, and of each pod's. Never returns.
PyObject* serve(PyObject*, PyObject* args) {
  PyObject *prepare = nullptr, *begin = nullptr, *end = nullptr;
  if (!PyArg_ParseTuple(args, "OOO", &prepare, &begin, &end)) return nullptr;
  if (podium_interpreter_suits() == 0) {
    podium::pod::say_failed(ENOEXEC, "the interpreter is another version than this was built for");
  }
  if (podium_remember_modules() != 0) return nullptr;
  try {
    const auto seccomp = podium::sandbox::SeccompProgram::load(podium::sandbox::kZygoteSeccomp);
    Order order;
    podium::pod::say_ready();
    podium::pod::serve_orders(order, [] { PyOS_BeforeFork(); }, [](bool in_pod) {
      in_pod ? PyOS_AfterFork_Child() : PyOS_AfterFork_Parent();
    });
    live_as_pod(order, seccomp, prepare, begin, end);
  } catch (const std::exception& e) {
    podium::pod::say_failed(EINVAL, e.what());
  }
}

/// rehearse(program)
PyObject* rehearse(PyObject*, PyObject* args) {
  const char* program = "";
  if (!PyArg_ParseTuple(args, "s", &program)) return nullptr;
  if (podium_rehearse(program, podium::sandbox::kZygoteScript) != 0) {
    if (PyErr_Occurred() == nullptr) PyErr_SetString(PyExc_RuntimeError, "the rehearsal failed");
    return nullptr;
  }
  Py_RETURN_NONE;
}

PyMethodDef methods[] = {
    {"forget_environment", forget_environment, METH_NOARGS, nullptr},
    {"failed", failed, METH_VARARGS, nullptr},
    {"rehearse", rehearse, METH_VARARGS, nullptr},
    {"serve", serve, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr}};

PyModuleDef module_definition = {PyModuleDef_HEAD_INIT, "podium_pod", nullptr, -1, methods,
                                 nullptr, nullptr, nullptr, nullptr};

}  // namespace

PyMODINIT_FUNC PyInit_podium_pod() { return PyModule_Create(&module_definition); }
