#include "my_plugin.hpp"

PODIUM_STORAGE_PLUGIN(MyPlugin, "org.example.my-plugin", "0.1.0", "Blobs as files of one folder");
