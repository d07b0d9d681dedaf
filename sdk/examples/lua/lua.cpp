// A runtime for Lua 5.4, on Debian's liblua.
//
// The interpreter lives in the daemon: memory, time and output of a program are bounded, and it has
// no functions that reach files, processes or other code, but a defect of the interpreter would be
// a defect of the daemon. Use it for programs of people you trust, or as a model for a runtime
// whose interpreter is a process of its own.
#include <podium/plugin.hpp>

#include <lua.hpp>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>

namespace {

using namespace podium::sdk;

/// The modules that a program may have. None of them reaches out of the interpreter.
struct Module {
  const char* name;
  lua_CFunction open;
};
constexpr Module kModules[] = {{"string", luaopen_string},
                               {"table", luaopen_table},
                               {"math", luaopen_math},
                               {"utf8", luaopen_utf8},
                               {"coroutine", luaopen_coroutine}};

const Module* find_module(const std::string& name) {
  for (const Module& module : kModules) {
    if (name == module.name) return &module;
  }
  return nullptr;
}

/// What a program may use, and where its output goes. Lua hands a pointer to it back to our
/// functions.
struct Program {
  Sink& sink;
  std::uint64_t memory_left;
  bool out_of_memory = false;
};

/// Lua's allocator: realloc with a budget.
void* allocate(void* ctx, void* block, std::size_t old_size, std::size_t new_size) {
  auto& program = *static_cast<Program*>(ctx);
  if (block == nullptr) old_size = 0;  // then it is a type of object, not a size
  if (new_size == 0) {
    std::free(block);
    program.memory_left += old_size;
    return nullptr;
  }
  if (new_size > old_size && new_size - old_size > program.memory_left) {
    program.out_of_memory = true;
    return nullptr;
  }
  void* moved = std::realloc(block, new_size);
  if (moved != nullptr) program.memory_left += old_size - new_size;  // wraps as it should
  return moved;
}

Program& program_of(lua_State* state) { return **static_cast<Program**>(lua_getextraspace(state)); }

/// print(...), as in Lua's own library but for where it prints.
int print(lua_State* state) {
  const int count = lua_gettop(state);
  for (int i = 1; i <= count; ++i) {
    std::size_t size = 0;
    const char* text = luaL_tolstring(state, i, &size);
    if (i > 1) program_of(state).sink.out("\t");
    program_of(state).sink.out({text, size});
    lua_pop(state, 1);
  }
  program_of(state).sink.out("\n");
  return 0;
}

/// Called every so many instructions: the way to end a program that does not want to.
void look_up(lua_State* state, lua_Debug*) {
  // Again at the next instruction: a program must not go on by catching this error.
  if (!program_of(state).sink.should_stop()) return;
  lua_sethook(state, look_up, LUA_MASKCOUNT, 1);
  luaL_error(state, "the run was ended");
}

class Lua final : public BlockingRuntime {
 public:
  static constexpr podium_option kOptions[] = {
      option_list("modules", R"(["string", "table", "math", "utf8"])",
                  "Modules of Lua that a program finds"),
  };

  static void check(const Options& options) {
    for (const std::string& name : options.list("modules")) {
      if (find_module(name) == nullptr) {
        throw Error(
            PODIUM_INVALID_ARGUMENT,
            "modules has '" + name + "', expected some of string, table, math, utf8, coroutine");
      }
    }
  }

  Lua(Host host, const Options& options)
      : BlockingRuntime(host), modules_(options.list("modules")) {
    check(options);
  }

  int execute(const Request& request, Sink& sink) override {
    Program program{sink, request.limits.memory_bytes};
    const std::unique_ptr<lua_State, decltype(&lua_close)> state(lua_newstate(allocate, &program),
                                                                 lua_close);
    if (!state) throw Error(PODIUM_RESOURCE_EXHAUSTED, "no memory for an interpreter");
    *static_cast<Program**>(lua_getextraspace(state.get())) = &program;
    lua_sethook(state.get(), look_up, LUA_MASKCOUNT, 10'000);

    const int status = run(state.get(), request);
    sink.used(0, request.limits.memory_bytes -
                     std::min(program.memory_left, request.limits.memory_bytes));
    if (program.out_of_memory && status != LUA_OK) sink.hit(PODIUM_LIMIT_MEMORY);
    if (status == LUA_OK) return 0;
    std::size_t size = 0;
    const char* message = lua_tolstring(state.get(), -1, &size);
    if (message != nullptr) sink.err("lua: " + std::string(message, size) + "\n");
    return 1;
  }

 private:
  /// What runs below is protected: an error of Lua jumps out of it and not through C++.
  int run(lua_State* state, const Request& request) const {
    lua_pushcfunction(state, prepare);
    lua_pushlightuserdata(state, const_cast<std::vector<std::string>*>(&modules_));
    if (const int status = lua_pcall(state, 1, 0, 0); status != LUA_OK) return status;
    // "t": text only; a crafted binary chunk could break the interpreter.
    const std::string name = "@" + request.source_name;
    const int loaded =
        luaL_loadbufferx(state, request.code.data(), request.code.size(), name.c_str(), "t");
    return loaded != LUA_OK ? loaded : lua_pcall(state, 0, 0, 0);
  }

  static int prepare(lua_State* state) {
    const auto& modules = *static_cast<const std::vector<std::string>*>(lua_touserdata(state, 1));
    luaL_requiref(state, "_G", luaopen_base, 1);
    for (const char* unsafe : {"dofile", "loadfile", "load", "collectgarbage"}) {
      lua_pushnil(state);
      lua_setglobal(state, unsafe);
    }
    lua_pushcfunction(state, print);
    lua_setglobal(state, "print");
    for (const std::string& name : modules)
      luaL_requiref(state, name.c_str(), find_module(name)->open, 1);
    return 0;
  }

  const std::vector<std::string> modules_;
};

}  // namespace

PODIUM_RUNTIME_PLUGIN(Lua, "org.example.lua", "0.1.0",
                      "Runs Lua 5.4 in the daemon, for trusted programs");
