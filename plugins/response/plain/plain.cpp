#include "plain.hpp"

PODIUM_RESPONSE_PLUGIN(podium::response::Plain, "org.podium.response.plain", "0.1.0",
                       "One ordinary answer when the result is there, however long it takes");
