// The extension module of zygotes and pods: what zygote.py cannot do itself.

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "fill_gaps.hpp"
#include "hot_pages.hpp"
#include "interpreter.h"
#include "orders.hpp"
#include "payload.hpp"
#include "pod.hpp"

namespace {

using podium::pod::HotPages;
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

/// What zygote.py gives to serve().
struct Callbacks {
  PyObject *prepare = nullptr, *begin = nullptr, *end = nullptr;
  const char* program = nullptr;    ///< something ordinary, to rehearse with
  PyObject* environment = nullptr;  ///< of that program
};

/// After the fork: the interpreter as one that has just started, and warm.
void prepare_pod(const Callbacks& callbacks) {
  check(podium_fresh_thread_state() == 0 && podium_fresh_main(podium::sandbox::kZygoteScript) == 0);
  call(callbacks.prepare, PyTuple_New(0));
  check(podium_fresh_main(podium::sandbox::kZygoteScript) == 0);
  podium_note_waiting();
}

/// Whether the run is of the command line and environment of the rehearsal, in a workspace without
/// files, as most are: then the interpreter looks as it should already.
bool looks_like_rehearsal(const Work& work, const Callbacks& callbacks) {
  if (work.inputs) return false;
  static constexpr std::array kCommand{podium::pod::kInterpreter, podium::sandbox::kZygoteScript};
  std::size_t words = 0;
  for (; work.command[words] != nullptr; ++words) {
    if (words >= kCommand.size() || std::strcmp(work.command[words], kCommand[words]) != 0) {
      return false;
    }
  }
  Py_ssize_t variables = 0;
  for (; work.environment[variables] != nullptr; ++variables) {
    if (variables >= PyList_GET_SIZE(callbacks.environment)) return false;
    const PyObject* const rehearsed = PyList_GET_ITEM(callbacks.environment, variables);
    if (std::strcmp(work.environment[variables], PyBytes_AS_STRING(rehearsed)) != 0) return false;
  }
  return words == kCommand.size() && variables == PyList_GET_SIZE(callbacks.environment);
}

/// The program, to the end of its interpreter. As podium_run_main.
int run_work(const Work& work, const Callbacks& callbacks) {
  if (!looks_like_rehearsal(work, callbacks)) {
    call(callbacks.begin,
         Py_BuildValue("(NN)", strings(work.command, false), strings(work.environment, true)));
  }
  return podium_run_main(work.source_file, work.source, callbacks.end);
}

[[noreturn]] void live_as_pod(const Order& order, const podium::sandbox::SeccompProgram& seccomp,
                              const Callbacks& callbacks, const HotPages& hot) {
  Pod pod;
  pod.enter(order, seccomp);
  prepare_pod(callbacks);
  hot.populate();
  Work work;
  pod.wait(work);
  const int status = run_work(work, callbacks);
  if (status == -SIGINT) {
    std::fflush(nullptr);
    ::signal(SIGINT, SIG_DFL);
    ::kill(::getpid(), SIGINT);
  }
  std::exit(status == -SIGINT ? 128 + SIGINT : status);
}

void before_fork() { PyOS_BeforeFork(); }
void after_fork(bool in_child) { in_child ? PyOS_AfterFork_Child() : PyOS_AfterFork_Parent(); }

/// What a program of this environment would be sent as.
std::string rehearsal_payload(const Callbacks& callbacks) {
  std::vector<std::string> environment;
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(callbacks.environment); ++i) {
    environment.emplace_back(PyBytes_AsString(PyList_GET_ITEM(callbacks.environment, i)));
  }
  const std::vector<std::string> command{podium::pod::kInterpreter, podium::sandbox::kZygoteScript};
  podium::sandbox::PayloadWriter payload;
  payload.string(podium::pod::kRehearsalName);
  payload.string(callbacks.program);
  payload.list(std::vector<std::string>());
  payload.list(command);
  payload.list(environment);
  return payload.bytes();
}

void learn_hot_pages(HotPages& hot, const Callbacks& callbacks) {
  const std::string payload = rehearsal_payload(callbacks);
  const auto prepare = [&] {
    const int null = ::open("/dev/null", O_RDWR);
    for (const int stream : {0, 1, 2}) check(::dup2(null, stream) == stream);
    prepare_pod(callbacks);
  };
  const auto run = [&] {
    Work work;
    podium::pod::make_ready(work);
    podium::pod::unpack(payload, work);
    check(run_work(work, callbacks) == 0);
  };
  if (!hot.learn(before_fork, after_fork, prepare, run)) {
    podium::pod::say_failed(errno, "rehearsing a run in a child");
  }
  ::unlink(podium::pod::kRehearsalSource);
}

/// serve(prepare, begin, end, program, environment): the rest of the zygote's life, and of each
/// pod's. Never returns.
PyObject* serve(PyObject*, PyObject* args) {
  Callbacks callbacks;
  if (!PyArg_ParseTuple(args, "OOOsO!", &callbacks.prepare, &callbacks.begin, &callbacks.end,
                        &callbacks.program, &PyList_Type, &callbacks.environment)) {
    return nullptr;
  }
  if (podium_interpreter_suits() == 0) {
    podium::pod::say_failed(ENOEXEC, "the interpreter is another version than this was built for");
  }
  if (podium_remember_modules() != 0) return nullptr;
  try {
    const auto seccomp = podium::sandbox::SeccompProgram::load(podium::sandbox::kZygoteSeccomp);
    podium::pod::fill_gaps();
    HotPages hot;
    learn_hot_pages(hot, callbacks);
    Order order;
    podium::pod::say_ready();
    podium::pod::serve_orders(order, before_fork, after_fork);
    live_as_pod(order, seccomp, callbacks, hot);
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

PyMethodDef methods[] = {{"forget_environment", forget_environment, METH_NOARGS, nullptr},
                         {"failed", failed, METH_VARARGS, nullptr},
                         {"rehearse", rehearse, METH_VARARGS, nullptr},
                         {"serve", serve, METH_VARARGS, nullptr},
                         {nullptr, nullptr, 0, nullptr}};

PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT, "podium_pod", nullptr, -1, methods, nullptr, nullptr, nullptr, nullptr};

}  // namespace

PyMODINIT_FUNC PyInit_podium_pod() { return PyModule_Create(&module_definition); }
