#include "my_plugin.hpp"

PODIUM_RESPONSE_PLUGIN(MyPlugin, "org.example.my-plugin", "0.1.0",
                       "JSON after lines that keep a slow answer alive");
