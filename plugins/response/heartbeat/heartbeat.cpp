#include "heartbeat.hpp"

PODIUM_RESPONSE_PLUGIN(podium::response::Heartbeat, "org.podium.response.heartbeat", "0.1.0",
                       "White space while a run takes long, then its JSON");
