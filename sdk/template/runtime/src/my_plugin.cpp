#include "my_plugin.hpp"

PODIUM_RUNTIME_PLUGIN(MyPlugin, "org.example.my-plugin", "0.1.0", "Gives a program's code back");
