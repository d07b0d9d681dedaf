#pragma once
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "obs/metrics.hpp"

namespace podium {

/// The samples of plugins at one scrape, brought into the form that Prometheus' text format
/// demands: lines of one metric together, one type a metric, no line twice. A sample that would
/// spoil the page for its reader is left out and counted.
class SampleCollection {
 public:
  /// `taken`: names of the host's own metrics, which no plugin may use.
  explicit SampleCollection(std::set<std::string> taken) : taken_(std::move(taken)) {}

  void add(const Metrics::Sample& sample);
  unsigned refused() const noexcept { return refused_; }
  std::string text() const;

 private:
  struct Family {
    std::string help;
    bool counter;
    std::map<std::string, double> values;  // by labels
  };

  std::set<std::string> taken_;
  std::map<std::string, Family> families_;
  unsigned refused_ = 0;
};

/// Whether `labels` is what may stand in the braces: name="value", with \\, \" and \n escaped in
/// the value, separated by commas; may be empty.
bool is_label_list(std::string_view labels);

}  // namespace podium
