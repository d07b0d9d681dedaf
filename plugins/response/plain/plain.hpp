#pragma once
#include <podium/plugin.hpp>

namespace podium::response {

/// The result as it is, when it is there: never streams. For clients that wait as long as a run
/// takes and want its true status.
class Plain final : public sdk::Response {
 public:
  Plain(sdk::Host, const sdk::Options&) {}

  sdk::Traits traits() const noexcept override { return {"application/json", std::nullopt, {}}; }

  std::unique_ptr<sdk::ResponseStream> begin(const sdk::Buffer&) override {
    throw sdk::Error(PODIUM_UNSUPPORTED, "plain answers are never streamed");
  }

  void finish(const sdk::Result& result, const sdk::Buffer& out) override {
    out.append(result.json);
  }
};

}  // namespace podium::response
