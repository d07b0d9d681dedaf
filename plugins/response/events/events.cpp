#include "events.hpp"

PODIUM_RESPONSE_PLUGIN(podium::response::Events, "org.podium.response.events", "0.1.0",
                       "What happens in a run while it happens, as server-sent events");
